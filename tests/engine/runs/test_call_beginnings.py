"""A call begins under a lease that holds, and leaves under it: else the run is found to be another's, or over."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest

from automation.engine.runs import heartbeat, lease
from automation.storage.runs import CallBegins, Claim, LogPart, Runs, Write
from automation.storage.runs.claim import NOTHING
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import LEASE, NEVER, Held, a_near_worker
from tests.engine.scenes import Scene, a_call, messages, scene_in
from tests.engine.workers import called, keys


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture(autouse=True)
def without_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", NEVER)


async def test_it_renews_a_lease_that_ran_out(scene: Scene, database_urls: DatabaseUrls, receiver: Receiver) -> None:
    receiver.answer = held = Held()
    async with a_near_worker(database_urls):
        execution = await scene.execute(await scene.rule(a_call(receiver.url), a_call(receiver.url)))
        await called(receiver)
        receiver.answer = second = Held()
        # The sweep is not due yet: nobody but the run itself looks at the lease.
        await _change(database_urls, "lease_until = now() - interval '1 second', due_at = now() + interval '1 hour'")

        held.go.set()
        await called(receiver, 2)
        holds = await _value(database_urls, "lease_until > now() AND due_at = lease_until")
        second.go.set()
        ended = await scene.ended(execution)

    assert holds is True
    assert ended["status"] == "completed"


async def test_none_begins_when_the_executions_time_is_over(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    receiver.answer = held = Held()
    async with a_near_worker(database_urls):
        execution = await scene.execute(await scene.rule(a_call(receiver.url), a_call(receiver.url)))
        await called(receiver)
        await _change(database_urls, "deadline_at = now() - interval '1 second'")

        held.go.set()
        ended = await scene.ended(execution)

    assert ended["status"] == "timeout"
    assert len(receiver.received) == 1
    assert ended["actions_successful"] == 1


async def test_none_begins_by_a_worker_that_slept_over_its_lease(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    begun = asyncio.Event()

    class Sleepy(Runs):
        """Hears of a call's beginning when its lease is over."""

        async def write(
            self, claim: Claim, write: Write, logs: LogPart = NOTHING, *, actions_seconds: float = 0
        ) -> Any:
            answer = await super().write(claim, write, logs, actions_seconds=actions_seconds)
            if isinstance(write, CallBegins):
                begun.set()
                await asyncio.sleep(1.5)
            return answer

    async with a_near_worker(database_urls, runs=Sleepy, lease=1.0):
        execution = await scene.execute(await scene.rule(a_call(receiver.url)))
        await begun.wait()
        await _change(database_urls, "lease_until = now() - interval '1 second', due_at = now() + interval '1 hour'")
        _, at_once = await scene.executions.cancel(scene.tenant, execution)

    assert at_once
    assert receiver.received == []


class Asleep:
    """Holds the worker where it has begun a call and not sent it yet, and lets its clock go on when it wakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asleep, self._woken = asyncio.Event(), asyncio.Event()
        self._awake, self._ahead = lease.now, 0.0
        monkeypatch.setattr(lease, "now", lambda: self._awake() + self._ahead)

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asleep.set()
        await self._woken.wait()
        return ["127.0.0.1"]

    def wake(self) -> None:
        self._ahead = LEASE
        self._woken.set()


async def test_none_leaves_a_worker_that_slept_after_its_beginning_and_whose_run_has_ended(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = Asleep(monkeypatch)
    async with a_near_worker(database_urls, resolve=sleep):
        execution = await scene.execute(await scene.rule(a_call(receiver.url)))
        await sleep.asleep.wait()
        await _change(database_urls, "lease_until = now() - interval '1 second', due_at = now() + interval '1 hour'")
        _, at_once = await scene.executions.cancel(scene.tenant, execution)

        sleep.wake()

    ended = await scene.read(execution)
    assert at_once
    assert receiver.received == []
    assert (ended["status"], ended["actions_successful"], ended["actions_failed"]) == ("cancelled", 0, 0)


async def test_one_that_was_withheld_is_made_once_where_the_run_is_still_the_worker_s(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = Asleep(monkeypatch)
    async with a_near_worker(database_urls, resolve=sleep):
        execution = await scene.execute(await scene.rule(a_call(receiver.url)))
        await sleep.asleep.wait()
        key = await _value(database_urls, "call_key::text")
        await _change(database_urls, "lease_until = now() - interval '1 second', due_at = now() + interval '1 hour'")

        sleep.wake()
        ended = await scene.ended(execution)

    assert ended["status"] == "completed"
    assert keys(receiver) == [key]
    assert [line for line in messages(ended) if "try" in line] == []


async def _change(urls: DatabaseUrls, changes: str) -> None:
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin:
        await admin.execute(f"UPDATE automation_executions SET {changes} WHERE status = 'running'".encode())


async def _value(urls: DatabaseUrls, column: str) -> object:
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin:
        row = await (await admin.execute(f"SELECT {column} FROM automation_executions".encode())).fetchone()
    return row and row[0]
