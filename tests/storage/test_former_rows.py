"""What was stored before rules could run is still there, is complete, and comes to an end."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.rules import RuleAction, RuleStatus
from automation.storage import migration
from automation.storage.due import Due
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from automation.storage.runs import Runs
from tests.databases import Cluster, DatabaseUrls

NOBODY = UUID(int=0)
TENANTS = (uuid4(), uuid4())
RULES = {tenant: uuid4() for tenant in TENANTS}
EXECUTIONS = {(tenant, status): uuid4() for tenant in TENANTS for status in ("completed", "pending", "running")}


def fill(url: str) -> None:
    """Store what revision 0003 could hold."""
    with psycopg.connect(url) as admin:
        for tenant, rule in RULES.items():
            admin.execute("INSERT INTO tenants (tenant, name) VALUES (%s, %s)", (tenant, str(tenant)))
            admin.execute(
                "INSERT INTO automation_rules (tenant, rule_id, name, status, trigger_type)"
                " VALUES (%s, %s, 'Old', 'active', 'manual')",
                (tenant, rule),
            )
        for (tenant, status), execution in EXECUTIONS.items():
            admin.execute(
                "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status, created_at,"
                " execution_context) VALUES (%s, %s, %s, %s, '2026-01-01', '{\"region\": 1}')",
                (tenant, execution, RULES[tenant], status),
            )
            admin.execute(
                "INSERT INTO automation_execution_logs (tenant, execution_id, sequence, timestamp, level, message)"
                " VALUES (%s, %s, 0, now(), 'info', 'old')",
                (tenant, execution),
            )


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_min=1, pool_max=2, pool_timeout=2, query_timeout=2, application_name="former rows")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
def migrated(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database whose rows were there before."""
    with cluster.database(migrated=False) as urls:
        migration.upgrade(urls.owner, "0003")
        fill(urls.admin)
        migration.upgrade(urls.owner)
        yield urls


async def test_a_former_rule_is_version_1_with_an_action_that_changes_nothing(migrated: DatabaseUrls) -> None:
    async with pool(migrated.api) as api:
        for tenant, rule_id in RULES.items():
            rule = await Rules(api).get(tenant, rule_id)

            assert (rule.version, rule.created_by) == (1, NOBODY)
            assert (rule.content.name, rule.content.status) == ("Old", RuleStatus.ACTIVE)
            assert rule.content.actions == (RuleAction(type="wait", config={"seconds": 1}),)


async def test_a_former_execution_shows_what_it_showed(migrated: DatabaseUrls) -> None:
    async with pool(migrated.api) as api:
        for (tenant, status), execution in EXECUTIONS.items():
            document = json.loads((await Executions(api).read(tenant, execution)).json)
            (attempt,) = json.loads(await Executions(api).attempts(tenant, execution))

            assert (document["status"], document["attempt"], document["rule_version"]) == (status, 1, 1)
            assert document["execution_context"] == {"region": 1}
            assert [log["message"] for log in document["logs"]] == ["old"]
            assert attempt["created_at"] == document["created_at"] == "2026-01-01T00:00:00.000000Z"


async def test_a_former_execution_that_had_not_ended_finds_a_worker(migrated: DatabaseUrls) -> None:
    async with pool(migrated.worker) as worker:
        found = await Due(worker).sweep(10)
        claims = [await Runs(worker).claim(*job, lease=15) for job in found]

    unfinished = {execution for (_, status), execution in EXECUTIONS.items() if status != "completed"}
    assert {execution for _, execution, _ in found} == unfinished
    assert all(claims)


def test_a_downgrade_keeps_what_the_former_revision_knows(migrated: DatabaseUrls) -> None:
    migration.downgrade(migrated.owner, "0003")

    with psycopg.connect(migrated.admin) as admin:
        statuses = admin.execute("SELECT execution_id, status FROM automation_executions").fetchall()
        logs = admin.execute("SELECT count(*) FROM automation_execution_logs").fetchone()
    assert dict(statuses) == {execution: status for (_, status), execution in EXECUTIONS.items()}
    assert logs == (len(EXECUTIONS),)


async def test_the_former_functions_still_answer(migrated: DatabaseUrls) -> None:
    (tenant, _), execution = next(iter(EXECUTIONS.items()))

    async with pool(migrated.api) as api:
        read = await api.fetch_row(b"SELECT document FROM get_execution_v1(%s, %s)", (tenant, execution))
        rule = await api.fetch_row(b"SELECT name FROM get_rule_v1(%s, %s)", (tenant, RULES[tenant]))

    assert read is not None
    assert json.loads(read[0])["execution_id"] == str(execution)
    assert rule == ("Old",)
