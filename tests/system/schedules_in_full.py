"""A hundred rules a second by the clock, while workers are killed: each time makes one run; ``make test-chaos``."""

import asyncio
import logging
import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from automation.domain.permissions import Role
from automation.domain.rules import RuleStatus, TriggerType
from automation.engine.runs.ticker import first_firing
from automation.storage.accounts.administration import Administration
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from tests.databases import DatabaseUrls
from tests.engine.workers import worker_settings
from tests.storage.samples import a_content
from tests.system.chaos import Fleet
from tests.system.processes import wait_for_line

RULES, SECONDS, WORKERS = 100, 13, 3

_log = logging.getLogger(__name__)
_CHANCE = random.Random()  # noqa: S311 - another order of kills each time


@pytest.mark.process
@pytest.mark.timeout(600)
async def test_1300_of_1300_times_that_are_due_make_one_run_each(
    database_urls: DatabaseUrls, database: Database
) -> None:
    async with AsyncExitStack() as stack:
        fleet = Fleet(worker_settings(database_urls), 8, stack)
        for _ in range(WORKERS):
            await asyncio.to_thread(wait_for_line, fleet.hire(), "worker started")
        first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
        rules = await _hundred_rules(database_urls, database, first)

        await asyncio.sleep((first - datetime.now(UTC)).total_seconds())
        for _ in range(SECONDS // 2):
            await asyncio.sleep(2 * _CHANCE.random())
            await asyncio.to_thread(fleet.kill, _CHANCE.choice(fleet.alive))
        await _until_none_is_due(database_urls)

    made = _made(database_urls)
    times = [first + timedelta(seconds=second) for second in range(SECONDS)]
    late = sorted(fired - due for _, due, fired in made)
    _log.info(
        "%s of %s made, %s kills, late: half of them %s, the last %s",
        *(len(made), RULES * SECONDS, fleet.kills, late[len(late) // 2], late[-1]),
    )
    assert sorted((rule, due) for rule, due, _ in made) == sorted((rule, due) for rule in rules for due in times)


async def _hundred_rules(urls: DatabaseUrls, database: Database, first: datetime) -> list[UUID]:
    administration = Administration(urls.owner)
    tenant = administration.create_tenant("by the clock").tenant
    user = administration.create_user(tenant, "operator@example.com", Role.OPERATOR).user
    config = {
        "every": "PT1S",
        "starts_at": first.isoformat(),
        "ends_at": (first + timedelta(seconds=SECONDS)).isoformat(),
        "catch_up": "all",
    }
    content = a_content(
        status=RuleStatus.ACTIVE,
        trigger_type=TriggerType.RECURRING,
        trigger_config=config,
        conditions=({"field": "trigger.nothing", "operator": "exists"},),
    )
    rules = Rules(database, first_firing=first_firing)
    return [(await rules.create(tenant, user, content)).rule_id for _ in range(RULES)]


async def _until_none_is_due(urls: DatabaseUrls) -> None:
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin, asyncio.timeout(120):
        query = "SELECT count(*) FROM automation_schedules"
        while await (await admin.execute(query)).fetchone() != (0,):  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.2)


def _made(urls: DatabaseUrls) -> list[tuple[UUID, datetime, datetime]]:
    with psycopg.connect(urls.admin) as admin:
        rows = admin.execute(
            "SELECT automation_rule_id, (triggered_by->>'scheduled_at')::timestamptz, created_at"
            " FROM automation_executions"
        ).fetchall()
    return [(rule, due.astimezone(UTC), fired.astimezone(UTC)) for rule, due, fired in rows]
