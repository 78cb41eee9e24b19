"""A cancel that was accepted is kept: no further call begins, and the run ends as cancelled, whatever it does next.

The workers here have no beat, so that nothing but the run's own statements can tell it of the request.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest

from automation.domain.rules import ConcurrencyPolicy, RuleAction
from automation.engine.runs import heartbeat
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Answer, Receiver
from tests.engine.near import NEVER, Held, NearWorker, a_near_worker
from tests.engine.scenes import Document, Scene, a_call, a_wait, messages, scene_in
from tests.engine.workers import answering, called, hanging_up

CANCELLED = "The execution was cancelled by a user."
FAILING = answering("503 Service Unavailable")


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture
async def worker(database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NearWorker]:
    monkeypatch.setattr(heartbeat, "BEAT", NEVER)
    async with a_near_worker(database_urls) as near:
        yield near


async def cancelled_in_its_first_call(
    scene: Scene, receiver: Receiver, *actions: RuleAction, then: Answer | None = None
) -> Document:
    """Cancel a run while its first call is held, let the call be answered, and return the execution as it ends."""
    receiver.answer = held = Held(then or answering())
    execution = await scene.execute(await scene.rule(*actions))
    await called(receiver)
    _, at_once = await scene.executions.cancel(scene.tenant, execution)
    assert not at_once
    held.go.set()
    return await scene.ended(execution, within=10.0)


async def test_its_worker_is_done_with_it(scene: Scene, worker: NearWorker, receiver: Receiver) -> None:
    call = a_call(receiver.url)
    await cancelled_in_its_first_call(scene, receiver, call, call)

    worker.stop.set()
    async with asyncio.timeout(4):  # it waits 5 s for what is under way
        await worker.ended

    assert worker.complaints == []


async def test_the_wait_after_the_call_does_not_begin(scene: Scene, worker: NearWorker, receiver: Receiver) -> None:
    ended = await cancelled_in_its_first_call(scene, receiver, a_call(receiver.url), a_wait(600))

    assert ended["status"] == "cancelled"
    assert ended["actions_successful"] == 1
    assert messages(ended)[-2:] == ["webhook_call succeeded.", CANCELLED]


async def test_no_further_call_begins(scene: Scene, worker: NearWorker, receiver: Receiver) -> None:
    call = a_call(receiver.url)

    ended = await cancelled_in_its_first_call(scene, receiver, call, call, call)

    assert ended["status"] == "cancelled"
    assert len(receiver.received) == 1
    assert (ended["actions_successful"], ended["actions_failed"]) == (1, 0)


async def test_the_last_answer_counts_and_completes_nothing(
    scene: Scene, worker: NearWorker, receiver: Receiver
) -> None:
    ended = await cancelled_in_its_first_call(scene, receiver, a_call(receiver.url))

    assert ended["status"] == "cancelled"
    assert ended["actions_successful"] == 1
    assert (ended["error_message"], ended["failed_action_index"]) == (None, None)
    assert messages(ended)[-1] == CANCELLED
    assert "The execution is completed." not in messages(ended)


async def test_a_failure_for_good_is_told_and_fails_nothing(
    scene: Scene, worker: NearWorker, receiver: Receiver
) -> None:
    ended = await cancelled_in_its_first_call(scene, receiver, a_call(receiver.url), then=FAILING)

    assert ended["status"] == "cancelled"
    assert (ended["actions_successful"], ended["actions_failed"]) == (0, 1)
    assert ended["error_message"] is None
    assert "unexpected status 503" in messages(ended)[-2]


@pytest.mark.parametrize("then", [FAILING, hanging_up()], ids=["failed", "outcome unknown"])
async def test_no_further_try_begins(scene: Scene, worker: NearWorker, receiver: Receiver, then: Answer) -> None:
    ended = await cancelled_in_its_first_call(scene, receiver, a_call(receiver.url, retries=3), then=then)

    assert ended["status"] == "cancelled"
    assert len(receiver.received) == 1
    assert "try 1 of 4" in messages(ended)[-2]


async def test_a_failure_that_the_rule_tolerates_goes_on_with_nothing(
    scene: Scene, worker: NearWorker, receiver: Receiver
) -> None:
    actions = (a_call(receiver.url, go_on=True), a_call(receiver.url))

    ended = await cancelled_in_its_first_call(scene, receiver, *actions, then=FAILING)

    assert ended["status"] == "cancelled"
    assert len(receiver.received) == 1
    assert ended["actions_failed"] == 1


async def test_a_worker_that_stops_ends_it_and_hands_nothing_back(
    scene: Scene, worker: NearWorker, receiver: Receiver
) -> None:
    receiver.answer = held = Held()
    execution = await scene.execute(await scene.rule(a_call(receiver.url), a_call(receiver.url)))
    await called(receiver)
    worker.stop.set()
    await scene.executions.cancel(scene.tenant, execution)

    held.go.set()
    await worker.ended
    seen = await scene.read(execution)

    assert seen["status"] == "cancelled"
    assert len(receiver.received) == 1


async def test_a_worker_that_breaks_its_call_off_ends_it_and_hands_nothing_back(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", NEVER)
    receiver.answer = Held()
    async with a_near_worker(database_urls, drain=0.1) as worker:
        execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
        await called(receiver)
        await scene.executions.cancel(scene.tenant, execution)

        worker.stop.set()
        await worker.ended
        seen = await scene.read(execution)

    assert seen["status"] == "cancelled"


async def test_a_call_that_hangs_is_broken_off_by_the_beat(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    receiver.answer = Held()
    async with a_near_worker(database_urls):
        execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
        await called(receiver)
        await scene.executions.cancel(scene.tenant, execution)

        ended = await scene.ended(execution)

    assert ended["status"] == "cancelled"
    assert (ended["actions_successful"], ended["actions_failed"], ended["error_message"]) == (0, 0, None)
    assert messages(ended)[-1] == CANCELLED


async def test_a_newer_execution_does_not_wait_for_the_wait_of_the_one_it_cancels(
    scene: Scene, worker: NearWorker, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    receiver.answer = held = Held()
    rule = await scene.rule(
        a_call(receiver.url),
        a_wait(600),
        max_concurrent_executions=1,
        concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS,
    )
    older = await scene.execute(rule)
    await called(receiver)
    await scene.execute(rule)
    await _asked_to_stop(database_urls, older)

    held.go.set()
    ended = await scene.ended(older, within=10.0)
    await called(receiver, 2)

    assert ended["status"] == "cancelled"
    assert "a newer one of its rule takes its place" in messages(ended)[-1]


async def _asked_to_stop(urls: DatabaseUrls, execution: UUID) -> None:
    query = "SELECT cancel_requested_at IS NOT NULL FROM automation_executions WHERE execution_id = %s"
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin, asyncio.timeout(10):
        while await (await admin.execute(query, (execution,))).fetchone() != (True,):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)
