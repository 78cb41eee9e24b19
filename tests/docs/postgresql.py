"""A PostgreSQL server as an operator has one: on a TCP port, with passwords, and with nothing of ours in it yet."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from automation.storage.embedded import programs
from automation.storage.embedded.account import present_account
from automation.storage.embedded.programs import ServerPrograms
from tests.ports import free_port

_PASSWORD = "secret"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is, and its administrator's URL without a database."""

    host: str
    admin_url: str


@contextmanager
def postgresql() -> Iterator[Server]:
    """Run a server that nobody else uses, deleted in the end."""
    tools = programs.find(present_account(None))
    home = Path(tempfile.mkdtemp(prefix="automation-docs-"))
    tools.account.own(home)
    port = free_port()
    try:
        _create(tools, home)
        _control(tools, home, "start", f"-o-c listen_addresses=127.0.0.1 -p {port} -k {home} -c fsync=off")
        yield Server(f"127.0.0.1:{port}", f"postgresql://postgres:{_PASSWORD}@127.0.0.1:{port}")
    finally:
        _control(tools, home, "stop", "-mimmediate")
        shutil.rmtree(home)


def _create(tools: ServerPrograms, home: Path) -> None:
    password = home / "password"
    password.write_text(_PASSWORD)
    tools.account.own(password)
    options = ("--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")
    done = tools.account.run([tools.initdb, "--locale=C", "--pgdata", home / "data", *options], timeout=60)
    assert done.returncode == 0, done.stdout


def _control(tools: ServerPrograms, home: Path, action: str, option: str) -> None:
    files = ("-D", home / "data", "-l", home / "log")
    done = tools.account.run([tools.pg_ctl, action, *files, "-w", option], timeout=60)
    assert done.returncode == 0, done.stdout
