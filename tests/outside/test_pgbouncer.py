"""PgBouncer before the database: the API finds out what it can rely on, and what can't work there says so at once."""

import asyncio
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from automation.storage.accounts.administration import Administration
from automation.storage.pool.pooler import PoolerBetween, require_session
from tests.commands.terminal import assert_refused, run
from tests.databases import Cluster, DatabaseUrls
from tests.plain_http import PLAIN
from tests.ports import free_port
from tests.system.processes import serving
from tests.system.tenancy import EXECUTIONS, RULES, new_tenant

PATIENCE = 10.0
# The clients of a login share four sessions, which are fewer than there are clients.
SETTINGS = (
    *("listen_addr = 127.0.0.1", "unix_socket_dir =", "auth_type = any", "pool_mode = transaction"),
    *("default_pool_size = 4", "ignore_startup_parameters = options"),
)


@pytest.fixture(scope="module")
def urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    with cluster.database() as made:
        yield made


@pytest.fixture(scope="module")
def pooled(urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrls]:
    """The same database through a PgBouncer that pools transactions; ``admin`` through one that pools sessions."""
    port = free_port()
    logins = {name: conninfo_to_dict(getattr(urls, name)) for name in ("owner", "api", "worker", "admin")}
    entries = [
        f"{name} = host={told['host']} port={told.get('port', 5432)} dbname={told['dbname']} user={told['user']}"
        + (f" password={told['password']}" if told.get("password") else "")
        + (" pool_mode=session" if name == "admin" else "")
        for name, told in logins.items()
    ]
    lines = ["[databases]", *entries, "[pgbouncer]", *SETTINGS, f"listen_port = {port}"]
    configuration = tmp_path_factory.mktemp("pgbouncer") / "pgbouncer.ini"
    configuration.write_text("\n".join(lines) + "\n")
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "tools/provide.sh pgbouncer"
    with subprocess.Popen([program, "--quiet", *_user(str(logins["api"]["host"])), configuration]) as pgbouncer:
        through = DatabaseUrls(**{name: f"postgresql://{name}@127.0.0.1:{port}/{name}" for name in logins})
        try:
            _await(through.api)
            yield through
        finally:
            pgbouncer.terminate()


def _user(directory: str) -> list[str]:
    """Return what makes PgBouncer, which does not run as root, run as the one whose server it leads to."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwuid(Path(directory).stat().st_uid).pw_name if directory.startswith("/") else "nobody"
    return ["--user", owner]


def _await(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_the_api_works_behind_it_and_prepares_nothing_by_itself(urls: DatabaseUrls, pooled: DatabaseUrls) -> None:
    with (
        serving({"AUTOMATION_DATABASE_URL": pooled.api}) as process,
        httpx.Client(base_url=process.base_url, **PLAIN) as client,
    ):
        tenant = new_tenant(client, Administration(urls.owner))
        rule = tenant.create_rule()
        paths = [
            f"{EXECUTIONS}/{tenant.execute(rule)['execution_id']}",
            EXECUTIONS,
            f"{RULES}/{rule['rule_id']}",
            RULES,
        ]

        def ask(path: str) -> int:
            return tenant.ask("GET", path).status_code

        with ThreadPoolExecutor(8) as clients:
            statuses = set(clients.map(ask, paths * 25))
        told = [line for line in process.log_lines() if line["event"] != "request"]

    assert statuses == {200}
    assert len([line for line in told if line["event"].startswith("statements are not prepared")]) == 1
    assert not [line for line in told if line["level"] in {"error", "critical"}]


def test_a_worker_behind_it_is_refused(pooled: DatabaseUrls) -> None:
    done = run("worker", settings={"AUTOMATION_WORKER_URL": pooled.worker})

    assert_refused(done, "AUTOMATION_WORKER_URL", "PgBouncer", code=1)


def test_migrations_behind_it_are_refused(pooled: DatabaseUrls) -> None:
    done = run("db", "upgrade", settings={"AUTOMATION_MIGRATION_URL": pooled.owner})

    assert_refused(done, "PgBouncer", code=1)


def test_where_it_pools_sessions_there_is_one_of_ones_own(pooled: DatabaseUrls) -> None:
    asyncio.run(require_session(pooled.admin))
    with pytest.raises(PoolerBetween):
        asyncio.run(require_session(pooled.api))
