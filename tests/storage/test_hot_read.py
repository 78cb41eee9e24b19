"""Reading an execution costs one round trip, and no more in a large table than in a small one."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from automation.storage.accounts.administration import Administration
from automation.storage.executions import Executions
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.round_trips import counting_proxy
from tests.storage.samples import Sample, sample
from tests.storage.stored_executions import Execution

ROWS = 100_000


@pytest.fixture(scope="module")
def many(database_urls: DatabaseUrls, administration: Administration) -> None:
    """A large table: 100,000 executions of ten tenants, each with a log entry; one in ten has not ended."""
    tenants = [administration.create_tenant(f"large {number}").tenant for number in range(10)]
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(
            "WITH made AS (INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status, due_at)"
            " SELECT (%s::uuid[])[1 + n %% 10], gen_random_uuid(), gen_random_uuid(),"
            " CASE n %% 20 WHEN 0 THEN 'pending' WHEN 1 THEN 'running' ELSE 'completed' END, now() + n * interval '1 s'"
            " FROM generate_series(1, %s) n RETURNING tenant, execution_id)"
            " INSERT INTO automation_execution_logs (tenant, execution_id, sequence, timestamp, level, message)"
            " SELECT tenant, execution_id, 0, now(), 'info', 'done' FROM made",
            (tenants, ROWS),
        )
        admin.execute("ANALYZE automation_executions, automation_execution_logs")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("function", ["get_execution_v1"])
def test_the_plan_in_a_large_table_uses_the_primary_keys(
    ours: Sample, database_urls: DatabaseUrls, function: str
) -> None:
    with psycopg.connect(database_urls.admin) as admin, psycopg.connect(database_urls.api) as api:
        made = admin.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", (function,)).fetchone()
        assert made is not None
        statement = str(made[0]).partition("RETURN QUERY")[2].rpartition(";\nEND")[0]
        statement = statement.replace("p_tenant", "$1").replace("p_execution", "$2").replace("p_most", "100000")
        statement = statement.replace("p_known", "NULL::text")
        # As the function plans it after a while: once, for every tenant and execution.
        api.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        api.execute(f"PREPARE hot (uuid, uuid) AS {statement}".encode())
        api.execute("SELECT set_config('app.tenant', %s, true)", (str(ours.tenant),))
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE hot ('{ours.tenant}', '{ours.execution.execution_id}')"
        row = api.execute(explain.encode()).fetchone()

    assert row is not None
    scans = {node["Relation Name"]: node for node in nodes(row[0][0]["Plan"]) if "Relation Name" in node}
    assert scans.keys() == {"automation_executions", "automation_execution_logs"}
    for table, scan in scans.items():
        assert scan["Node Type"].startswith("Index")
        assert scan["Index Name"] == f"{table}_pkey"
        assert "tenant = $1" in scan["Index Cond"]
        assert "execution_id = $2" in scan["Index Cond"]
        assert scan["Actual Rows"] == 1
        assert scan.get("Rows Removed by Filter", 0) == 0


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def test_reading_an_execution_is_one_round_trip(ours: Sample, database_urls: DatabaseUrls) -> None:
    executions = [ours.execution, ours.add_execution(), ours.add_execution()]
    digest = ours.add_key(usage_limit=10)
    async with counting_proxy(database_urls.api) as proxy:
        database = Database(
            proxy.url, pool_min=1, pool_max=1, pool_timeout=2, query_timeout=2, application_name="one round trip"
        )
        await database.open()
        reader, keys = Executions(database), KeyDirectory(database)

        async def trips(execution: Execution | None) -> int:
            before = proxy.round_trips
            if execution is None:
                await keys.resolve(digest, None, count=True)
            else:
                read = await reader.read(ours.tenant, execution.execution_id)
                assert json.loads(read.json)["execution_id"] == str(execution.execution_id)
            return proxy.round_trips - before

        # The first use of a statement on a connection prepares it, which is a trip more.
        await trips(executions[0])
        await trips(None)
        counted = [await trips(what) for what in (*executions, None, None)]
        await database.close()

    assert counted == [1, 1, 1, 1, 1]


async def test_what_is_asked_for_together_is_one_round_trip(
    ours: Sample, administration: Administration, database_urls: DatabaseUrls
) -> None:
    theirs = sample(administration)
    asked = [(each.tenant, each.add_execution().execution_id) for each in (ours, theirs) * 8]
    digests = [each.add_key() for each in (ours, theirs) * 8]
    async with counting_proxy(database_urls.api) as proxy:
        database = Database(
            proxy.url, pool_min=1, pool_max=1, pool_timeout=2, query_timeout=2, application_name="one round trip"
        )
        await database.open()
        reader, keys = Executions(database), KeyDirectory(database)
        await reader.read(*asked[0])
        await keys.resolve(digests[0], None, count=False)
        before = proxy.round_trips
        documents = await asyncio.gather(*(reader.read(*each) for each in asked))
        after_reads = proxy.round_trips
        records = await asyncio.gather(*(keys.resolve(digest, None, count=False) for digest in digests))
        after_look_ups = proxy.round_trips
        await database.close()

    assert (after_reads - before, after_look_ups - after_reads) == (1, 1)
    assert [each.execution_id for each in documents] == [execution for _, execution in asked]
    assert [json.loads(each.json)["tenant"] for each in documents] == [str(tenant) for tenant, _ in asked]
    assert [each.principal.tenant for each in records] == [tenant for tenant, _ in asked]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT count(*) FROM {table} WHERE tenant = $1 AND automation_rule_id = $2 AND status = 'running'", "active"),
        (
            "SELECT FROM {table} WHERE tenant = $1 AND automation_rule_id = $2 AND status = 'pending'",
            "active",
        ),
    ],
    ids=["those that run", "the oldest that waits"],
)
def test_what_a_claim_asks_of_a_large_table_uses_an_index(
    ours: Sample, database_urls: DatabaseUrls, query: str, index: str
) -> None:
    with psycopg.connect(database_urls.worker) as worker:
        worker.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        worker.execute(f"PREPARE asked (uuid, uuid) AS {query.format(table='automation_executions')}".encode())
        worker.execute("SELECT set_config('app.tenant', %s, true)", (str(ours.tenant),))
        row = worker.execute(
            f"EXPLAIN (FORMAT JSON) EXECUTE asked ('{ours.tenant}', '{ours.tenant}')".encode()
        ).fetchone()

    assert row is not None
    (scan,) = [node for node in nodes(row[0][0]["Plan"]) if "Relation Name" in node]
    assert scan["Index Name"] == f"automation_executions_{index}_idx"
    assert "automation_rule_id = $2" in scan["Index Cond"]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_sweep_of_a_large_table_uses_an_index(database_urls: DatabaseUrls, status: str) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SET ROLE automation_directory")
        row = admin.execute(
            "EXPLAIN (FORMAT JSON) SELECT tenant, execution_id FROM automation_executions"
            f" WHERE status = '{status}' AND due_at <= now() ORDER BY due_at LIMIT 10 FOR NO KEY UPDATE SKIP LOCKED"
        ).fetchone()

    assert row is not None
    (scan,) = [node for node in nodes(row[0][0]["Plan"]) if "Relation Name" in node]
    assert scan["Index Name"] == f"automation_executions_{status}_due_idx"
