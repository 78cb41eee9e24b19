"""Turns of tenants' requests: few at a time, in their order, and nobody is left behind whoever leaves."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.domain.errors import TooManyChecks, TooManyRequests
from automation.engine.rules.tenant_turns import MOST_WAITING, TenantTurns
from tests.turns import TurnLoop

A, B = UUID(int=1), UUID(int=2)
AT_A_TIME, PATIENT = 2, 5.0


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


class Requests:
    """Requests that keep their turn until they are let go."""

    def __init__(self, loop: TurnLoop) -> None:
        self.loop = loop
        self.turns = TenantTurns(AT_A_TIME, PATIENT, TooManyChecks)
        self.inside: list[tuple[UUID, int]] = []
        self.go = asyncio.Event()
        self._number = 0

    def ask(self, tenant: UUID = A, leaver: "asyncio.Task[None] | None" = None) -> "asyncio.Task[bool]":
        self._number += 1
        return self.loop.begin(self._one(tenant, self._number, leaver))

    async def _one(self, tenant: UUID, number: int, leaver: "asyncio.Task[None] | None") -> bool:
        async with self.turns.one(tenant, leaver) as taken:
            if taken:
                self.inside.append((tenant, number))
                await self.go.wait()
            return taken


def test_few_of_a_tenant_are_let_on_and_the_others_in_their_order(loop: TurnLoop) -> None:
    requests = Requests(loop)
    for tenant in (A, A, A, A, B):
        requests.ask(tenant)
    loop.turn(5)
    assert sorted(requests.inside) == [(A, 1), (A, 2), (B, 5)]

    requests.go.set()
    loop.turn(20)
    assert requests.inside[3:] == [(A, 3), (A, 4)]


def test_one_more_than_may_wait_is_refused_at_once_and_others_have_room_again_later(loop: TurnLoop) -> None:
    requests = Requests(loop)
    waiting = [requests.ask() for _ in range(AT_A_TIME + MOST_WAITING)]
    loop.turn(5)
    beyond, of_another = requests.ask(), requests.ask(B)
    loop.turn(5)

    assert isinstance(beyond.exception(), TooManyRequests)
    assert not any(each.done() for each in (*waiting, of_another))
    requests.go.set()
    loop.turn(100)
    late = requests.ask()
    loop.turn(5)
    assert [each.result() for each in (*waiting, late)] == [True] * (len(waiting) + 1)


def test_who_waits_for_too_long_is_refused(loop: TurnLoop) -> None:
    requests = Requests(loop)
    tasks = [requests.ask() for _ in range(AT_A_TIME + 1)]
    loop.turn(5)
    loop.now += PATIENT + 0.1
    loop.turn(5)

    assert [each.done() for each in tasks] == [False, False, True]
    assert isinstance(tasks[-1].exception(), TooManyRequests)


def test_for_whom_nobody_waits_any_more_has_no_turn(loop: TurnLoop) -> None:
    requests = Requests(loop)
    for _ in range(AT_A_TIME):
        requests.ask()
    gone = asyncio.Event()

    async def leave() -> None:
        await gone.wait()

    left = requests.ask(leaver=loop.begin(leave()))
    after = requests.ask()
    loop.turn(5)
    loop.call_soon(gone.set)
    loop.turn(5)
    assert left.result() is False

    requests.go.set()
    loop.turn(10)
    assert after.result() is True


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 2), st.booleans()), max_size=16))
def test_whoever_leaves_all_others_have_their_turn(asked: list[tuple[UUID, int, bool]]) -> None:
    loop = TurnLoop()
    requests, tasks = Requests(loop), list["asyncio.Task[bool]"]()
    try:
        for tenant, turns, leaves in asked:
            tasks.append(requests.ask(tenant))
            loop.turn(turns)
            if leaves:
                tasks[len(tasks) // 2].cancel()
        requests.go.set()
        loop.turn(80)

        assert all(task.done() for task in tasks)
        late = [requests.ask() for _ in range(AT_A_TIME)]
        loop.turn(8)
        assert all(task.done() for task in late)
    finally:
        loop.discard()
