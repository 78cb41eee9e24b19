"""Waits for the ends of executions: until there is one, the time is over, the process stops, or too many wait."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from automation.domain.errors import ExecutionNotFound, Unavailable
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.engine.triggers.waiting import Waiting

TENANT, OTHER = uuid4(), uuid4()
EXECUTION = uuid4()
LONG = 60.0


class Executions:
    """Executions that are whatever a test says, one look after the other; the last one goes on."""

    def __init__(self, *looks: ExecutionStatus | Exception) -> None:
        self._looks = list(looks)
        self.looked = asyncio.Event()
        self.revisions: list[str | None] = []

    async def read(self, _tenant: UUID, execution_id: UUID, known: str | None) -> ExecutionDocument:
        self.looked.set()
        self.revisions.append(known)
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, Exception):
            raise look
        json = b"" if known == look.value else b"{}"
        return ExecutionDocument(execution_id, EXECUTION, look, json, look.value)


async def staying() -> None:
    """Whoever waits is there for as long as a test is."""
    await asyncio.Event().wait()


def waiting(executions: Any, **bounds: Any) -> Waiting:
    return Waiting(executions, **({"seconds": LONG} | bounds))


async def test_the_end_is_seen_when_it_comes() -> None:
    executions = Executions(ExecutionStatus.PENDING, ExecutionStatus.RUNNING, ExecutionStatus.FAILED)

    found = await waiting(executions).end_of(TENANT, EXECUTION, staying)

    assert found is not None
    assert (found.status, found.json) == (ExecutionStatus.FAILED, b"{}")
    assert executions.revisions == [None, "pending", "running"]


async def test_an_outage_is_waited_through() -> None:
    executions = Executions(ExecutionStatus.PENDING, Unavailable(), ExecutionStatus.COMPLETED)

    assert await waiting(executions).end_of(TENANT, EXECUTION, staying) is not None


async def test_when_the_time_is_over_nobody_waits_on() -> None:
    assert await waiting(Executions(ExecutionStatus.PENDING), seconds=0.01).end_of(TENANT, EXECUTION, staying) is None


async def test_for_an_execution_that_was_deleted_nobody_waits() -> None:
    executions = Executions(ExecutionStatus.PENDING, ExecutionNotFound())

    assert await waiting(executions).end_of(TENANT, EXECUTION, staying) is None


async def test_in_a_process_that_stops_nobody_waits_on() -> None:
    executions = Executions(ExecutionStatus.PENDING)
    here = waiting(executions)
    ending = asyncio.create_task(here.end_of(TENANT, EXECUTION, staying))
    await executions.looked.wait()

    here.stop()

    assert await ending is None
    assert await here.end_of(TENANT, EXECUTION, staying) is None


async def test_so_many_wait_at_a_time_and_so_many_of_a_tenant() -> None:
    executions = Executions(ExecutionStatus.PENDING)
    here = waiting(executions, most=3, most_of_a_tenant=2)
    first = [asyncio.create_task(here.end_of(TENANT, EXECUTION, staying)) for _ in range(2)]
    await executions.looked.wait()

    refused = await here.end_of(TENANT, EXECUTION, staying)
    others = asyncio.create_task(here.end_of(OTHER, EXECUTION, staying))
    await asyncio.sleep(0)
    too_many = await here.end_of(uuid4(), EXECUTION, staying)

    assert (refused, too_many) == (None, None)
    assert not any(task.done() for task in (*first, others))
    for task in (*first, others):
        task.cancel()
    await asyncio.gather(*first, others, return_exceptions=True)
    assert here._waiting == {}


async def test_who_leaves_gives_the_place_back() -> None:
    executions = Executions(ExecutionStatus.PENDING)
    here = waiting(executions, most_of_a_tenant=1)
    left = asyncio.Event()

    async def leaving() -> None:
        await left.wait()

    waiter = asyncio.create_task(here.end_of(TENANT, EXECUTION, leaving))
    await executions.looked.wait()
    left.set()

    async with asyncio.timeout(LONG / 2):
        assert await waiter is None
    assert here._waiting == {}


async def test_who_has_waited_gives_back_one_place_alone() -> None:
    executions = Executions(ExecutionStatus.PENDING)
    here = waiting(executions, most_of_a_tenant=2)
    first, second = (asyncio.create_task(here.end_of(TENANT, EXECUTION, staying)) for _ in range(2))
    await executions.looked.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    assert here._waiting == {TENANT: 1}
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert here._waiting == {}
