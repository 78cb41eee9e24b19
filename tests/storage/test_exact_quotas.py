"""Limits are exact: who comes near one waits for whoever has some of it under way, and then counts anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.errors import AutomationError, QuotaExceeded
from automation.domain.limits import DEFAULTS, Limit
from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import RuleStatus, TriggerType
from automation.engine.runs.ticker import first_firing
from automation.storage.accounts.administration import Administration
from automation.storage.bulk_changes import BulkChanges
from automation.storage.pool.database import Database
from automation.storage.pool.unit_of_work import Opening
from automation.storage.rules import Rules
from automation.storage.schedules import Schedules
from automation.storage.secrets.secrets import Secrets
from tests.databases import DatabaseUrls
from tests.secret_keys import KEYRING
from tests.storage.published import a_waiting_rule, an_event, publish
from tests.storage.runner import Runner
from tests.storage.samples import a_content

Use = Callable[[], Awaitable[object]]
"""Uses one of a limit, or raises why not."""
Ways = tuple[Use, Use]
"""The same way for two, each with what it is about."""


@dataclass(frozen=True)
class Place:
    """A tenant, and the databases of its API and of its workers."""

    runner: Runner
    database: Database
    workers: Database

    def of(self, way: object) -> Database:
        """Return the database that something is done in."""
        return self.workers if way is being_due else self.database


@pytest.fixture
def place(runner: Runner, database: Database, workers_database: Database) -> Place:
    """A tenant whose recurring rules know when they are due."""
    knowing = replace(runner, rules=Rules(database, first_firing=first_firing))
    return Place(knowing, database, workers_database)


async def executing(place: Place) -> Ways:
    runner = place.runner
    rule = await runner.rule()
    return partial(runner.execute, rule), partial(runner.execute, rule)


async def retrying(place: Place) -> Ways:
    runner = place.runner
    one, other = [partial(runner.executions.retry, runner.tenant, await runner.failed()) for _ in range(2)]
    return partial(one, retry_from="start"), partial(other, retry_from="start")


async def retrying_in_bulk(place: Place) -> Ways:
    runner = place.runner
    retry = partial(runner.executions.retry, runner.tenant, retry_from="start")
    expect = partial(runner.executions.expect, runner.tenant)

    async def retry_some(execution: UUID) -> str | None:
        changes = BulkChanges(place.database)
        [outcome] = await changes.of_ids(runner.tenant, [execution], retry, dry_run=False, prepare=expect)
        return outcome.code

    return partial(retry_some, await runner.failed()), partial(retry_some, await runner.failed())


async def publishing(place: Place) -> Ways:
    runner = place.runner
    await a_waiting_rule(runner)
    return partial(publish, place.database, runner, an_event()), partial(publish, place.database, runner, an_event())


async def delivering(place: Place) -> Ways:
    runner = place.runner
    rule = await runner.rule()
    deliver = partial(runner.executions.create, runner.tenant, None, rule.rule_id, trigger_data={})
    return partial(deliver, delivery=b"1" * 32), partial(deliver, delivery=b"2" * 32)


async def being_due(place: Place) -> Ways:
    runner, schedules = place.runner, Schedules(place.workers)
    hourly = {"trigger_type": TriggerType.RECURRING, "trigger_config": {"cron": "0 * * * *"}}
    versions = {rule.rule_id: rule.version for rule in [await runner.rule(**hourly) for _ in range(2)]}
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            "UPDATE automation_schedules SET scheduled_at = now(), fire_at = now() WHERE tenant = %s", (runner.tenant,)
        )
    one, other = [due for due in await schedules.due(100, ahead=0) if due.rule_id in versions]
    fire = partial(schedules.fire, following=None, trigger={}, origin=Origin(kind=TriggerKind.SCHEDULE))
    return partial(fire, one, versions[one.rule_id]), partial(fire, other, versions[other.rule_id])


async def creating(place: Place) -> Ways:
    runner = place.runner
    return runner.rule, runner.rule


async def changing(place: Place) -> Ways:
    runner = place.runner
    rules = [await runner.rule() for _ in range(2)]
    one, other = (partial(runner.rules.update, runner.tenant, runner.sample.user, rule.rule_id) for rule in rules)
    content = a_content(name="Another")
    return partial(one, content), partial(other, content)


async def keeping_secrets(place: Place) -> Ways:
    runner = place.runner
    put = partial(Secrets(place.database, KEYRING).put, runner.tenant, runner.sample.user)
    return partial(put, "ONE", "a value of a secret"), partial(put, "OTHER", "a value of a secret")


RUNS = (executing, retrying, retrying_in_bulk, publishing, delivering, being_due)
CASES = [
    *((way, Limit.MAX_PENDING, "too_many_pending") for way in RUNS),
    *((way, Limit.EXECUTIONS_PER_DAY, "too_many_executions") for way in RUNS),
    (creating, Limit.MAX_RULES, "quota_exceeded"),
    (creating, Limit.MAX_RULE_VERSIONS, "quota_exceeded"),
    (changing, Limit.MAX_RULE_VERSIONS, "quota_exceeded"),
    (keeping_secrets, Limit.MAX_SECRETS, "secrets_exhausted"),
]
# As a schedule says it, which has nobody to answer.
SAID = {"executions_per_day": "too_many_executions"}
_PID = Opening(b"SELECT pg_backend_pid() AS pid", {}, lambda _: None)


def used(administration: Administration, runner: Runner, limit: Limit) -> int:
    """Return how much of a limit a tenant uses."""
    [found] = [each.used for each in administration.limits_in_use(runner.tenant, DEFAULTS) if each.limit is limit]
    assert found is not None
    return found


async def refusal(use: Use) -> object:
    """Use one of a limit, and return why not: None where it was used."""
    try:
        outcome = await use()
    except AutomationError as error:
        return error.code
    return SAID.get(outcome, outcome) if isinstance(outcome, str) and outcome != "created" else None


@asynccontextmanager
async def under_way(runner: Runner, database: Database, use: Use) -> AsyncIterator[int]:
    """Have one used in a transaction of this backend, which is committed at the end."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    commit = asyncio.Event()

    async def hold() -> None:
        async with database.unit_of_work(runner.tenant, _PID) as unit:
            assert await refusal(use) is None
            connection = await unit.connected()
            done.set_result(connection.info.backend_pid)
            await commit.wait()
            await unit.commit(b"SELECT 1", {})

    holding = asyncio.create_task(hold())
    either: set[asyncio.Future[Any]] = {holding, done}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if holding.done():
        await holding
    yield done.result()
    commit.set()
    await holding


async def waits_for(urls: DatabaseUrls, pid: int, task: "asyncio.Task[object]") -> None:
    """Return when a task waits for a backend."""
    query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
    async with asyncio.timeout(20), await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin:
        while await (await admin.execute(query, (pid,))).fetchone() != (True,):
            assert not task.done(), f"it did not wait: {task.result()}"
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("way", "limit", "code"), CASES, ids=lambda each: getattr(each, "__name__", str(each)))
async def test_of_two_at_once_near_a_limit_the_second_waits_and_counts_the_first(
    way: Callable[[Place], Awaitable[Ways]], limit: Limit, code: str, place: Place, administration: Administration
) -> None:
    first, second = await way(place)
    most = used(administration, place.runner, limit) + 1
    administration.set_limits(place.runner.tenant, {limit: most})

    async with under_way(place.runner, place.of(way), first) as pid:
        waiting = asyncio.create_task(refusal(second))
        await waits_for(place.runner.urls, pid, waiting)

    assert await waiting == code
    assert used(administration, place.runner, limit) == most


@pytest.mark.parametrize("way", RUNS, ids=lambda way: way.__name__)
async def test_far_from_a_limit_nobody_waits(way: Callable[[Place], Awaitable[Ways]], place: Place) -> None:
    first, second = await way(place)

    async with under_way(place.runner, place.of(way), first):
        assert await refusal(second) is None


async def test_many_at_once_are_given_as_many_as_there_are(
    runner: Runner, database: Database, administration: Administration
) -> None:
    rule = await runner.rule()
    await a_waiting_rule(runner)
    most = used(administration, runner, Limit.MAX_PENDING) + 5
    administration.set_limits(runner.tenant, {Limit.MAX_PENDING: most})

    refused = await asyncio.gather(
        *(refusal(partial(runner.execute, rule)) for _ in range(12)),
        *(refusal(partial(publish, database, runner, *(an_event() for _ in range(3)))) for _ in range(4)),
    )

    assert set(refused) <= {None, "too_many_pending"}
    assert used(administration, runner, Limit.MAX_PENDING) == most


async def test_a_change_that_makes_a_tenant_store_too_much_is_taken_back(
    runner: Runner, administration: Administration
) -> None:
    rule = await runner.rule()
    most = used(administration, runner, Limit.MAX_STORED_BYTES) + 1
    administration.set_limits(runner.tenant, {Limit.MAX_STORED_BYTES: most})

    with pytest.raises(QuotaExceeded):
        await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="Another"))

    assert used(administration, runner, Limit.MAX_STORED_BYTES) == most - 1


@pytest.mark.parametrize("limit", [Limit.MAX_RULE_VERSIONS, Limit.MAX_STORED_BYTES], ids=str)
async def test_a_rule_is_stopped_and_goes_on_whatever_limit_is_reached(
    runner: Runner, administration: Administration, limit: Limit
) -> None:
    rule = await runner.rule()
    administration.set_limits(runner.tenant, {limit: 1})
    update = partial(runner.rules.update, runner.tenant, runner.sample.user, rule.rule_id)

    stopped = [
        (await update(replace(rule.content, status=status))).content.status
        for status in (RuleStatus.PAUSED, RuleStatus.ACTIVE, RuleStatus.INACTIVE)
    ]
    with pytest.raises(QuotaExceeded):
        await update(replace(rule.content, status=RuleStatus.ACTIVE, name="Another"))

    assert stopped == [RuleStatus.PAUSED, RuleStatus.ACTIVE, RuleStatus.INACTIVE]
