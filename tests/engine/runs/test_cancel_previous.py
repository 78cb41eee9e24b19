"""Under ``cancel_previous`` the newest keep their places, in whatever order the queue brings them."""

import random
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy, Rule
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import Held, a_near_worker
from tests.engine.scenes import Scene, a_call, messages, scene_in
from tests.engine.workers import called

SUPERSEDED = "The execution was cancelled: a newer one of its rule takes its place."


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


async def superseding(scene: Scene, receiver: Receiver, slots: int) -> Rule:
    return await scene.rule(
        a_call(receiver.url, timeout=60),
        max_concurrent_executions=slots,
        concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS,
    )


async def test_an_older_one_that_comes_late_is_cancelled_and_not_the_newer(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    receiver.answer = held = Held()
    rule = await superseding(scene, receiver, 1)
    older = await scene.execute(rule)
    _lose_jobs(database_urls)
    async with a_near_worker(database_urls):
        newer = await scene.execute(rule)
        await called(receiver)
        _sweep_now(database_urls, older)

        cancelled = await scene.ended(older)
        held.go.set()
        completed = await scene.ended(newer)

    assert (cancelled["status"], completed["status"]) == ("cancelled", "completed")
    assert messages(cancelled) == [SUPERSEDED]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_a_burst_of_six_with_two_slots_leaves_the_two_newest(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, seed: int
) -> None:
    receiver.answer = held = Held()
    rule = await superseding(scene, receiver, 2)
    burst = [await scene.execute(rule) for _ in range(6)]
    order = random.Random(seed).sample(burst, 6)  # noqa: S311 - a shuffle that can be repeated
    _queue(database_urls, scene, order)
    async with a_near_worker(database_urls):
        cancelled = [await scene.ended(each) for each in burst[:4]]
        left = [await scene.until(each, ExecutionStatus.RUNNING) for each in burst[4:]]
        held.go.set()
        ended = [await scene.ended(each) for each in burst[4:]]

    assert [each["status"] for each in cancelled] == ["cancelled"] * 4
    assert [each["status"] for each in left] == ["running"] * 2
    assert [each["status"] for each in ended] == ["completed"] * 2
    assert {messages(each)[-1] for each in cancelled} == {SUPERSEDED}


async def test_a_late_older_one_runs_where_there_is_room(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    receiver.answer = held = Held()
    rule = await superseding(scene, receiver, 2)
    older = await scene.execute(rule)
    _lose_jobs(database_urls)
    async with a_near_worker(database_urls):
        newer = await scene.execute(rule)
        await called(receiver)
        _sweep_now(database_urls, older)
        await called(receiver, 2)

        held.go.set()
        ended = [await scene.ended(each) for each in (older, newer)]

    assert [each["status"] for each in ended] == ["completed", "completed"]


def _lose_jobs(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("DELETE FROM procrastinate.procrastinate_jobs")


def _sweep_now(urls: DatabaseUrls, execution: UUID) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("UPDATE automation_executions SET due_at = now() WHERE execution_id = %s", (execution,))


def _queue(urls: DatabaseUrls, scene: Scene, executions: Sequence[UUID]) -> None:
    """Have the queue bring these, in this order, instead of what it would."""
    _lose_jobs(urls)
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        for execution in executions:
            job = {"tenant": str(scene.tenant), "execution_id": str(execution), "attempt": 1}
            admin.execute(
                "INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, queueing_lock, args)"
                " VALUES ('executions', 'run_execution', %s, %s)",
                (f"{execution}:1", Jsonb(job)),
            )
