"""Limits of what a tenant keeps, and of what it does in a day: counted as it happens, and refused beyond."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import ExecutionNotFound, IdempotencyAnswerNotKept, QuotaExceeded, TooManyExecutions
from automation.domain.executions import ExecutionStatus
from automation.domain.limits import Limit
from automation.domain.repetition import Answer, RepeatableRequest
from automation.domain.retention import Kept
from automation.storage.accounts.administration import Administration
from automation.storage.accounts.pruning import Pruning
from automation.storage.answers import Answers
from automation.storage.bulk_changes import BulkChanges
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from automation.storage.runs import Runs
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner, entry, told
from tests.storage.samples import Sample, a_content

_LONG_AGO = (
    "UPDATE automation_executions SET created_at = created_at - interval '30 days',"
    " started_at = started_at - interval '30 days', completed_at = completed_at - interval '30 days',"
    " queued_at = queued_at - interval '30 days'"
)


@pytest.fixture
def limited(runner: Runner, database: Database, workers_database: Database) -> Callable[..., Runner]:
    """Make a tenant's runner with other defaults."""

    def make(**limits: int) -> Runner:
        defaults = {Limit[name.upper()]: value for name, value in limits.items()}
        executions, rules = Executions(database, defaults), Rules(database, defaults)
        return Runner(runner.sample, runner.urls, rules, executions, Runs(workers_database, defaults))

    return make


def used(administration: Administration, runner: Runner, limit: Limit) -> int:
    """Return how much of a limit a tenant uses, as its operator is shown."""
    [found] = [each for each in administration.limits_in_use(runner.tenant, {}) if each.limit is limit]
    assert found.used is not None
    return found.used


def change(runner: Runner, statement: str) -> None:
    """Change what is stored, as time or a retention would."""
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(statement.encode())


async def test_beyond_a_days_executions_none_is_stored_until_the_next_day(limited: Callable[..., Runner]) -> None:
    runner = limited(executions_per_day=2)
    rule = await runner.rule()
    for _ in range(2):
        await runner.execute(rule)

    with pytest.raises(TooManyExecutions) as refused:
        await runner.execute(rule)

    assert (refused.value.limit, len(runner.jobs())) == ("executions_per_day", 2)
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 86_400
    change(runner, "UPDATE tenant_usage SET day = day - 1 WHERE name = 'executions_per_day'")
    await runner.execute(rule)


async def test_a_retry_counts_as_an_execution_of_the_day(
    limited: Callable[..., Runner], administration: Administration
) -> None:
    runner = limited(executions_per_day=1)
    failed = await runner.failed()

    with pytest.raises(TooManyExecutions):
        await runner.executions.retry(runner.tenant, failed, retry_from="start")

    assert await runner.status(failed) is ExecutionStatus.FAILED
    administration.set_limits(runner.tenant, {Limit.EXECUTIONS_PER_DAY: 2})
    await runner.executions.retry(runner.tenant, failed, retry_from="start")
    assert used(administration, runner, Limit.EXECUTIONS_PER_DAY) == 2


async def test_beyond_its_rules_a_tenant_creates_one_when_it_has_deleted_another(
    limited: Callable[..., Runner], administration: Administration
) -> None:
    runner = limited()
    had = used(administration, runner, Limit.MAX_RULES)
    administration.set_limits(runner.tenant, {Limit.MAX_RULES: had + 1})
    rule = await runner.rule()

    with pytest.raises(QuotaExceeded) as refused:
        await runner.rule()

    assert refused.value.limit == "max_rules"
    changed = await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="Another"))
    assert changed.version == 2
    await runner.rules.delete(runner.tenant, rule.rule_id)
    await runner.rule()
    assert used(administration, runner, Limit.MAX_RULES) == had + 1


async def test_beyond_its_versions_a_rule_stays_as_it_is(
    limited: Callable[..., Runner], administration: Administration
) -> None:
    runner = limited()
    rule = await runner.rule()
    administration.set_limits(
        runner.tenant, {Limit.MAX_RULE_VERSIONS: used(administration, runner, Limit.MAX_RULE_VERSIONS)}
    )

    with pytest.raises(QuotaExceeded) as refused:
        await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="Another"))

    assert refused.value.limit == "max_rule_versions"
    assert (await runner.rules.get(runner.tenant, rule.rule_id)).version == 1


async def test_what_has_ended_is_stored_and_counts_until_it_is_gone(
    limited: Callable[..., Runner], administration: Administration
) -> None:
    runner = limited()
    rule = await runner.rule()
    before = used(administration, runner, Limit.MAX_STORED_BYTES)

    execution = await runner.failed(execution=await runner.execute(rule, note="x" * 500))

    kept = used(administration, runner, Limit.MAX_STORED_BYTES) - before
    assert kept > 500
    await runner.executions.retry(runner.tenant, execution, retry_from="start")
    retried = used(administration, runner, Limit.MAX_STORED_BYTES) - before
    assert 0 < retried < kept
    claim = await runner.claimed(execution, attempt=2)
    await runner.runs.finish(claim, ExecutionStatus.COMPLETED, logs=told(entry("done")))
    assert used(administration, runner, Limit.MAX_STORED_BYTES) - before > kept
    change(runner, f"DELETE FROM automation_executions WHERE execution_id = '{execution}'")
    assert used(administration, runner, Limit.MAX_STORED_BYTES) == before


async def test_beyond_its_bytes_a_tenant_stores_neither_executions_nor_rules(
    limited: Callable[..., Runner], administration: Administration
) -> None:
    runner = limited()
    rule = await runner.rule()
    administration.set_limits(runner.tenant, {Limit.MAX_STORED_BYTES: 1})

    refused = []
    for store in (lambda: runner.execute(rule), runner.rule):
        with pytest.raises(QuotaExceeded) as raised:
            await store()
        refused.append(raised.value.limit)

    assert refused == ["max_stored_bytes"] * 2


async def test_mails_are_counted_by_recipient_and_none_of_a_message_that_is_too_many(
    limited: Callable[..., Runner], administration: Administration
) -> None:
    runner = limited(mails_per_day=5)
    claim = await runner.claimed()

    answers = [await runner.runs.count_mails(claim, mails) for mails in (3, 3, 2, 1)]

    assert answers == [None, 5, None, 5]
    assert used(administration, runner, Limit.MAILS_PER_DAY) == 5


async def test_beyond_its_answers_bytes_a_tenants_writes_are_done_and_known_but_not_answered_again(
    limited: Callable[..., Runner], database: Database, administration: Administration
) -> None:
    runner = limited()
    answers = Answers(database, kept=timedelta(hours=1), limits={Limit.MAX_ANSWER_BYTES: 150})
    requests = [RepeatableRequest(runner.tenant, runner.sample.user, str(uuid4()), (b"d" * 32,)) for _ in range(2)]

    def doing() -> Callable[[], Awaitable[Answer]]:
        async def do() -> Answer:
            await runner.execute()
            return Answer(202, (), b"x" * 100)

        return do

    for request in requests:
        await answers.once(request, doing())

    _, replayed = await answers.once(requests[0], doing())
    with pytest.raises(IdempotencyAnswerNotKept):
        await answers.once(requests[1], doing())
    assert replayed
    assert used(administration, runner, Limit.MAX_ANSWER_BYTES) == 100


async def test_each_tenant_uses_its_own(
    limited: Callable[..., Runner], theirs: Any, administration: Administration
) -> None:
    runner = limited(executions_per_day=1)
    await runner.execute()

    [others] = [
        each for each in administration.limits_in_use(theirs.tenant, {}) if each.limit is Limit.EXECUTIONS_PER_DAY
    ]

    assert others.used == 0


def test_who_counts_waits_for_nobody_however_many_do_at_once(ours: Sample, database_urls: DatabaseUrls) -> None:
    use = "SELECT count_use_v1(%s, 'mails_per_day', current_date, 1)"
    rows = "SELECT count(*), sum(used) FROM tenant_usage WHERE tenant = %s AND name = 'mails_per_day'"
    with contextlib.ExitStack() as ending:
        backends = [ending.enter_context(psycopg.connect(database_urls.admin)) for _ in range(20)]
        for each in backends:
            each.execute("SET lock_timeout = '1ms'")
            each.execute(use, (ours.tenant,))  # and holds what it counted in until the end
        for each in backends:
            each.commit()
            each.execute(use, (ours.tenant,))
            each.commit()
        counted = backends[0].execute(rows, (ours.tenant,)).fetchone()

    assert counted == (20, 40)


async def test_what_several_remove_at_once_is_counted_as_it_is_there(
    limited: Callable[..., Runner], administration: Administration, database: Database
) -> None:
    runner = limited()
    rule = await runner.rule()
    before = used(administration, runner, Limit.MAX_STORED_BYTES)
    ended = [await runner.failed(execution=await runner.execute(rule, note="x" * n)) for n in range(24)]
    change(runner, f"{_LONG_AGO} WHERE automation_rule_id = '{rule.rule_id}'")
    pruning, changes = Pruning(runner.urls.owner), BulkChanges(database)
    delete = partial(runner.executions.delete, runner.tenant)

    await asyncio.gather(
        asyncio.to_thread(pruning.prune, runner.tenant, {Kept.FAILED: 7}),
        changes.of_ids(runner.tenant, ended[::2], delete, dry_run=False),
        changes.of_ids(runner.tenant, ended[::-3], delete, dry_run=False),
        *(runner.executions.retry(runner.tenant, each, retry_from="start") for each in ended[:2]),
        return_exceptions=True,
    )

    left = [each for each in ended if await _is_there(runner, each)]
    for each in left:
        await runner.executions.cancel(runner.tenant, each)
        await runner.executions.delete(runner.tenant, each)
    assert used(administration, runner, Limit.MAX_STORED_BYTES) == before
    assert len(left) <= 2


async def _is_there(runner: Runner, execution: UUID) -> bool:
    with contextlib.suppress(ExecutionNotFound):
        await runner.executions.read(runner.tenant, execution)
        return True
    return False


def test_who_counts_waits_for_nobody_who_holds_the_row_that_was_made_for_him(
    ours: Sample, database_urls: DatabaseUrls
) -> None:
    use = "SELECT count_use_v1(%s, 'mails_per_day', current_date, 1)"
    with psycopg.connect(database_urls.admin) as made, psycopg.connect(database_urls.admin) as taking:
        made.execute(use, (ours.tenant,))
        made.commit()
        taking.execute(use, (ours.tenant,))  # and holds the only row there is
        made.execute("SET lock_timeout = '1ms'")
        for _ in range(2):
            made.execute(use, (ours.tenant,))
