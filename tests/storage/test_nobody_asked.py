"""Runs that nobody has asked for by hand: a time and an event make them as their rule says, and override nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import TriggerType
from automation.engine.runs.ticker import first_firing
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from automation.storage.schedules import DueSchedule, Schedules
from tests.storage.published import a_waiting_rule, an_event, publish
from tests.storage.runner import Runner

AS_THE_RULE_SAYS = {
    "override_conditions": False,
    "priority": 7,
    "labels": {"team": "night"},
    "rule_version": 1,
    "attempt": 1,
    "status": "pending",
    "run_at": None,
    "expires_at": None,
}


@pytest.fixture
def rules(database: Database) -> Rules:
    """Rules that know when they are due first."""
    return Rules(database, first_firing=first_firing)


def made(runner: Runner, rule: UUID) -> dict[str, Any]:
    """Return the one run of a rule, as far as a rule says how it is."""
    columns = ", ".join([*AS_THE_RULE_SAYS, "created_by"])
    query = f"SELECT {columns} FROM automation_executions WHERE automation_rule_id = %s"
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as admin:
        (run,) = admin.execute(query.encode(), (rule,)).fetchall()
    return run


async def test_one_that_a_time_makes_is_as_its_rule_says(runner: Runner, workers_database: Database) -> None:
    rule = await runner.rule(
        trigger_type=TriggerType.RECURRING, trigger_config={"every": "PT1H"}, priority=7, labels={"team": "night"}
    )
    assert rule.next_fire_at is not None
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("UPDATE automation_schedules SET fire_at = now() WHERE rule_id = %s", (rule.rule_id,))
    due = DueSchedule(
        tenant=runner.tenant,
        rule_id=rule.rule_id,
        scheduled_at=rule.next_fire_at,
        seconds_left=0,
        looked_at=rule.next_fire_at - timedelta(hours=1),
    )

    outcome = await Schedules(workers_database).fire(
        due, rule.version, following=None, trigger={}, origin=Origin(kind=TriggerKind.SCHEDULE)
    )

    assert outcome == "created"
    assert made(runner, rule.rule_id) == {**AS_THE_RULE_SAYS, "created_by": None}


async def test_one_that_an_event_starts_is_as_its_rule_says(runner: Runner, database: Database) -> None:
    rule = await a_waiting_rule(runner, priority=7, labels={"team": "night"})

    await publish(database, runner, an_event())

    assert made(runner, rule) == {**AS_THE_RULE_SAYS, "created_by": runner.sample.user}
