"""Changes under an Idempotency-Key are committed with the answer: once, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import (
    ExecutionNotRetriable,
    IdempotencyAnswerNotKept,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    RuleInUse,
)
from automation.domain.permissions import Role
from automation.domain.repetition import Answer, RepeatableRequest
from automation.storage.answers import Answers
from automation.storage.due import Due
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from tests.databases import DatabaseUrls
from tests.storage.round_trips import counting_proxy
from tests.storage.runner import Runner
from tests.storage.samples import a_content

DAY = timedelta(hours=24)
ANSWER = Answer(202, ((b"content-type", b"application/json"), (b"x-note", b"\xe4")), b'{"n":1.0}')


@pytest.fixture
def answers(database: Database) -> Answers:
    return Answers(database, kept=DAY)


def request_of(runner: Runner, digest: bytes = b"d" * 32) -> RepeatableRequest:
    """Return a request that nobody has sent yet."""
    return RepeatableRequest(runner.tenant, runner.sample.user, str(uuid4()), (digest,))


def executing(runner: Runner, answer: Answer = ANSWER) -> Callable[[], Awaitable[Answer]]:
    """Return what creates one more execution of one rule."""

    async def do() -> Answer:
        await runner.execute()
        return answer

    return do


def executions_of(runner: Runner) -> int:
    """Return how many executions the tenant has."""
    with psycopg.connect(runner.urls.admin) as admin:
        row = admin.execute("SELECT count(*) FROM automation_executions WHERE tenant = %s", (runner.tenant,)).fetchone()
    assert row is not None
    return int(row[0])


async def test_what_is_asked_for_twice_is_done_once_and_answered_alike(answers: Answers, runner: Runner) -> None:
    request, before = request_of(runner), executions_of(runner)

    first = await answers.once(request, executing(runner))
    again = await answers.once(request, executing(runner))

    assert first == (ANSWER, False)
    assert again == (ANSWER, True)
    assert executions_of(runner) == before + 1


async def test_another_request_with_the_key_is_refused(answers: Answers, runner: Runner) -> None:
    request = request_of(runner)
    await answers.once(request, executing(runner))
    another = RepeatableRequest(request.tenant, request.user, request.key, (b"e" * 32,))

    with pytest.raises(IdempotencyKeyReused):
        await answers.once(another, executing(runner))


async def test_a_key_is_each_users_own(answers: Answers, runner: Runner) -> None:
    request, before = request_of(runner), executions_of(runner)
    colleague = runner.sample.administration.create_user(runner.tenant, "colleague@example.com", Role.OPERATOR).user
    same = RepeatableRequest(request.tenant, colleague, request.key, (b"e" * 32,))
    another = replace(ANSWER, body=b"{}")

    answered = [
        await answers.once(request, executing(runner)),
        await answers.once(same, executing(runner, another)),
        await answers.once(request, executing(runner)),
        await answers.once(same, executing(runner)),
    ]

    assert answered == [(ANSWER, False), (another, False), (ANSWER, True), (another, True)]
    assert executions_of(runner) == before + 2


async def test_what_fails_takes_back_all_that_was_done_and_leaves_the_key_free(
    answers: Answers, runner: Runner
) -> None:
    request, before = request_of(runner), executions_of(runner)

    async def fail() -> Answer:
        await runner.execute()
        await runner.execute()
        raise ExecutionNotRetriable

    with pytest.raises(ExecutionNotRetriable):
        await answers.once(request, fail)

    assert executions_of(runner) == before
    assert await answers.once(request, executing(runner)) == (ANSWER, False)
    assert executions_of(runner) == before + 1


async def test_a_part_that_is_refused_is_taken_back_by_itself(
    answers: Answers, runner: Runner, rules: Rules, executions: Executions
) -> None:
    used, unused = await runner.rule(), await runner.rule()
    await runner.execute(used)

    async def delete_both() -> Answer:
        await rules.delete(runner.tenant, unused.rule_id)
        with pytest.raises(RuleInUse):
            await rules.delete(runner.tenant, used.rule_id)
        await runner.execute(used)
        return ANSWER

    await answers.once(request_of(runner), delete_both)

    assert (await rules.get(runner.tenant, unused.rule_id)).deleted_at is not None
    assert (await rules.get(runner.tenant, used.rule_id)).deleted_at is None


async def test_what_was_changed_is_read_back_before_it_is_committed(
    answers: Answers, runner: Runner, rules: Rules
) -> None:
    names = []

    async def create_and_read() -> Answer:
        rule = await rules.create(runner.tenant, runner.sample.user, a_content(name="read back"))
        names.append((await rules.get(runner.tenant, rule.rule_id)).content.name)
        return ANSWER

    await answers.once(request_of(runner), create_and_read)

    assert names == ["read back"]


async def test_of_two_at_once_one_is_told_that_the_other_is_in_flight(answers: Answers, runner: Runner) -> None:
    request, before = request_of(runner), executions_of(runner)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> Answer:
        await runner.execute()
        begun.set()
        await go_on.wait()
        return ANSWER

    first = asyncio.create_task(answers.once(request, slowly))
    await begun.wait()
    with pytest.raises(IdempotencyInFlight):
        await answers.once(request, executing(runner))
    go_on.set()

    assert await first == (ANSWER, False)
    assert await answers.once(request, executing(runner)) == (ANSWER, True)
    assert executions_of(runner) == before + 1


async def test_one_that_was_answered_while_another_was_thinking_is_answered_alike(
    answers: Answers, runner: Runner
) -> None:
    request, before = request_of(runner), executions_of(runner)
    thinking, go_on = asyncio.Event(), asyncio.Event()

    async def think_first() -> Answer:
        thinking.set()
        await go_on.wait()
        await runner.execute()
        return Answer(202, (), b"another answer")

    late = asyncio.create_task(answers.once(request, think_first))
    await thinking.wait()
    await answers.once(request, executing(runner))
    go_on.set()

    assert await late == (ANSWER, True)
    assert executions_of(runner) == before + 1


async def test_what_changes_nothing_is_answered_alike_too(answers: Answers, runner: Runner) -> None:
    request = request_of(runner)

    async def nothing() -> Answer:
        return ANSWER

    assert await answers.once(request, nothing) == (ANSWER, False)
    assert await answers.once(request, nothing) == (ANSWER, True)


async def test_of_an_answer_that_is_too_large_it_is_known_that_it_was_given(database: Database, runner: Runner) -> None:
    answers = Answers(database, kept=DAY, largest=len(ANSWER.body) - 1)
    request, before = request_of(runner), executions_of(runner)

    assert await answers.once(request, executing(runner)) == (ANSWER, False)
    with pytest.raises(IdempotencyAnswerNotKept):
        await answers.once(request, executing(runner))

    assert executions_of(runner) == before + 1


async def test_a_task_that_outlives_its_request_has_no_part_in_it(
    answers: Answers, runner: Runner, rules: Rules
) -> None:
    answered = asyncio.Event()

    async def create_later() -> UUID:
        await answered.wait()
        return (await rules.create(runner.tenant, runner.sample.user, a_content())).rule_id

    async def leave_a_task() -> Answer:
        await runner.execute()
        tasks.append(asyncio.create_task(create_later()))
        return ANSWER

    tasks: list[asyncio.Task[UUID]] = []
    await answers.once(request_of(runner), leave_a_task)
    answered.set()

    assert (await rules.get(runner.tenant, await tasks[0])).version == 1


async def test_a_key_costs_three_round_trips_more_and_its_repetition_one(
    runner: Runner, database_urls: DatabaseUrls
) -> None:
    rule = await runner.rule()
    async with counting_proxy(database_urls.api) as proxy:
        pool = Database(proxy.url, pool_min=1, pool_max=1, pool_timeout=2, query_timeout=2, application_name="trips")
        await pool.open()
        answers, executions = Answers(pool, kept=DAY), Executions(pool)

        async def do() -> Answer:
            await executions.create(
                runner.tenant, runner.sample.user, rule.rule_id, trigger_data={}, override_conditions=False
            )
            return ANSWER

        async def trips(doing: Awaitable[object]) -> int:
            before = proxy.round_trips
            await doing
            return proxy.round_trips - before

        # The first use of a statement on a connection prepares it, which is a trip more.
        await do()
        request = request_of(runner)
        await answers.once(request_of(runner), do)
        await answers.once(request_of(runner), do)
        counted = [await trips(each) for each in (do(), answers.once(request, do), answers.once(request, do))]
        await pool.close()

    assert counted == [1, 4, 1]


async def test_answers_whose_time_is_over_are_removed_a_bounded_number_at_a_time(
    answers: Answers, runner: Runner, due: Due, database: Database
) -> None:
    lasting = request_of(runner)
    await answers.once(lasting, executing(runner))
    for _ in range(3):
        await Answers(database, kept=timedelta(0)).once(request_of(runner), executing(runner))

    removed = [await due.prune(2) for _ in range(3)]

    assert removed == [2, 1, 0]
    assert await answers.once(lasting, executing(runner)) == (ANSWER, True)
