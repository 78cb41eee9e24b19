"""Rows that are asked for by their key are found by it, however many wait beside them, and whatever plans are kept."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import tuple_row

from automation.storage.accounts.administration import Administration
from automation.storage.pool import new_session
from automation.storage.pool.database import Database
from automation.storage.runs import Claim, Runs, Turn
from tests.administering import administering
from tests.databases import Cluster, DatabaseUrls
from tests.storage.claimed_writes import WRITES
from tests.storage.plans import nodes
from tests.storage.runner import LEASE, Runner

WAITING = 1_000

# Executions like one that there is, half of them pending, and the turns of those, which come after all others.
_LIKE_IT = """
INSERT INTO automation_executions (
    tenant, execution_id, automation_rule_id, rule_version, actions_total, queued_at, due_at, status, lease_until)
SELECT e.tenant, gen_random_uuid(), e.automation_rule_id, e.rule_version, e.actions_total,
    now() + interval '1 second', now() + interval '1 hour', CASE number %% 2 WHEN 0 THEN 'pending' ELSE 'running' END,
    CASE number %% 2 WHEN 1 THEN now() + interval '1 hour' END
FROM automation_executions e, generate_series(1, %(number)s) number WHERE e.execution_id = %(execution)s
"""
_OVER = """
INSERT INTO automation_executions (
    tenant, execution_id, automation_rule_id, rule_version, status, actions_total, completed_at)
SELECT e.tenant, gen_random_uuid(), e.automation_rule_id, e.rule_version, 'completed', e.actions_total, now()
FROM automation_executions e, generate_series(1, %(number)s) WHERE e.execution_id = %(execution)s
"""
_THEIR_TURNS = """
INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
SELECT 'executions', 'run_execution', -1000000, concat(e.execution_id, ':1'), jsonb_build_object(
    'tenant', e.tenant, 'execution_id', e.execution_id, 'attempt', 1, 'rank', 0,
    'since', (extract(epoch FROM e.queued_at) * 1000000)::bigint)
FROM automation_executions e
WHERE e.tenant = %(tenant)s AND e.due_at = now() + interval '1 hour' AND e.status = 'pending'
"""
# How many rows this transaction has read, of executions, rules, turns and whatever else.
_READ = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
_KEYS = """
SELECT c.conrelid::regclass::text, array_agg(a.attname::text ORDER BY k.place), array_agg(
    format_type(a.atttypid, a.atttypmod) ORDER BY k.place), c.conname::text
FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k (number, place), pg_attribute a
WHERE c.contype = 'p' AND c.connamespace = 'public'::regnamespace
    AND a.attrelid = c.conrelid AND a.attnum = k.number
GROUP BY c.oid, c.conrelid, c.conname
"""


class OneTransaction(Database):
    """A worker's database whose statements are all made in one transaction, which counts the rows that they read."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        self._only = connection

    async def fetch_rows(self, query: bytes, parameters: Any = (), *, rows: Any = tuple_row, **_how: Any) -> list[Any]:
        async with self._only.cursor(row_factory=rows) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()

    async def rows_read(self) -> int:
        return int((await self.fetch_rows(_READ.encode()))[0][0])

    async def keep_plans(self, mode: str) -> None:
        """Have statements of functions planned once for this connection, or each time."""
        await self.fetch_rows(b"SELECT set_config('plan_cache_mode', %s, false)", [mode])


@pytest.fixture
def database_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database of the test's own, which was empty when its plans were made."""
    with cluster.database() as urls:
        yield urls


@pytest.fixture
def administration(database_urls: DatabaseUrls) -> Iterator[Administration]:
    """The owner's commands in that database."""
    with administering(database_urls.owner) as commands:
        yield commands


@pytest.fixture
async def counting(database_urls: DatabaseUrls) -> AsyncIterator[OneTransaction]:
    async with await psycopg.AsyncConnection.connect(database_urls.worker) as connection:
        await connection.execute(new_session.BY_INDEX)
        await connection.commit()
        yield OneTransaction(connection)


async def test_sessions_of_the_service_read_by_index_and_compile_nothing(database: Database) -> None:
    settings = b"SELECT current_setting('enable_seqscan'), current_setting('jit')"
    assert await database.fetch_row(settings) == ("off", "off")


@pytest.mark.parametrize("known", ["nothing", "that hardly one waits"])
@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_run_reads_as_little_where_many_wait(
    runner: Runner, counting: OneTransaction, name: str, mode: str, known: str
) -> None:
    runs, before_it, execution = Runs(counting), await runner.execute(), await runner.execute()
    if known != "nothing":
        _a_good_day(runner, execution)
    await counting.keep_plans(mode)
    await _one(runs, runner.tenant, before_it, name)
    turns = _crowd(runner, execution)

    before = await counting.rows_read()
    claim = await _one(runs, runner.tenant, execution, name)
    read = await counting.rows_read() - before

    assert claim.execution_id == execution
    assert turns == WAITING // 2
    assert read < WAITING // 4


async def _one(runs: Runs, tenant: UUID, execution: UUID, name: str) -> Claim:
    """Claim an execution and make one write; the transaction goes on."""
    claim = await runs.claim(Turn(tenant, execution, 1), lease=LEASE)
    assert claim is not None
    await WRITES[name](runs, claim)
    return claim


def _a_good_day(runner: Runner, execution: UUID) -> None:
    """Have many executions that are over and hardly one that isn't, and let the planner know."""
    with psycopg.connect(runner.urls.admin, autocommit=True) as admin:
        admin.execute(_OVER, {"execution": execution, "number": 2 * WAITING})
        admin.execute("VACUUM ANALYZE automation_executions, automation_rules, procrastinate.procrastinate_jobs")


def _crowd(runner: Runner, execution: UUID) -> int:
    """Let many wait and run beside an execution, of which the planner knows nothing; return how many have a turn."""
    named = {"execution": execution, "number": WAITING, "tenant": runner.tenant}
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(_LIKE_IT, named)
        return admin.execute(_THEIR_TURNS, named).rowcount


def keys(database_urls: DatabaseUrls) -> Iterator[tuple[str, Mapping[str, str], str]]:
    with psycopg.connect(database_urls.admin) as admin:
        for table, columns, types, key in admin.execute(_KEYS).fetchall():
            yield table, dict(zip(columns, types, strict=True)), key


def test_no_table_is_searched_by_another_index_than_its_key_while_it_is_empty(database_urls: DatabaseUrls) -> None:
    others = {}
    with psycopg.connect(database_urls.admin, prepare_threshold=None) as admin:
        admin.execute("SET plan_cache_mode = force_generic_plan")
        admin.execute("SET enable_seqscan = off")
        for table, columns, key in keys(database_urls):
            admin.execute("DEALLOCATE ALL")
            found = [f"{name} = ${number}::{kind}" for number, (name, kind) in enumerate(columns.items(), 1)]
            admin.execute(f"PREPARE found AS SELECT FROM {table} WHERE {' AND '.join(found)}".encode())
            nothing = ", ".join(["NULL"] * len(columns))
            row = admin.execute(f"EXPLAIN (FORMAT JSON) EXECUTE found ({nothing})".encode()).fetchone()
            plan = list(nodes(cast("tuple[Any]", row)[0][0]["Plan"]))
            indexes = {node["Index Name"] for node in plan if "Index Name" in node}
            if indexes != {key}:
                others[table] = indexes

    assert others == {}


def test_there_are_such_tables(database_urls: DatabaseUrls) -> None:
    assert "automation_executions" in {table for table, _columns, _key in keys(database_urls)}
