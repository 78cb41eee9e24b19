"""Tenants' shares of the connections: none takes all, all are used, and whoever waits is served in turn."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg_pool import PoolTimeout

from automation.storage.pool.shares import Shares, tenant_of
from tests.turns import TurnLoop

A, B, C = (UUID(int=each) for each in range(3))
SIZE = 6


class Uses:
    """Requests that hold a connection until they are told to leave."""

    def __init__(self, loop: TurnLoop, size: int = SIZE) -> None:
        self.loop = loop
        self.shares = Shares(size)
        self.inside: list[tuple[UUID | None, asyncio.Event]] = []

    def ask(self, tenant: UUID | None, seconds: float = 100.0) -> "asyncio.Task[None]":
        return self.loop.begin(self._use(tenant, seconds))

    def held(self, tenant: UUID | None) -> int:
        return sum(each == tenant for each, _ in self.inside)

    async def _use(self, tenant: UUID | None, seconds: float) -> None:
        await self.shares.enter(tenant, seconds)
        use = (tenant, asyncio.Event())
        self.inside.append(use)
        try:
            await use[1].wait()
        finally:
            self.inside.remove(use)
            self.shares.leave(tenant)


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


def test_a_tenant_alone_holds_half_and_another_finds_the_rest(loop: TurnLoop) -> None:
    uses = Uses(loop)
    for _ in range(20):
        uses.ask(A)
    loop.turn(5)
    assert uses.held(A) == SIZE // 2

    for _ in range(20):
        uses.ask(B)
    loop.turn(5)
    assert (uses.held(A), uses.held(B)) == (3, 2)
    uses.ask(C)
    loop.turn(5)
    assert uses.held(C) == 1


def test_the_only_connection_is_for_whoever_comes(loop: TurnLoop) -> None:
    uses = Uses(loop, size=1)
    uses.ask(A)
    loop.turn(3)

    assert uses.held(A) == 1


def test_what_is_nobodys_never_waits_here_and_is_counted(loop: TurnLoop) -> None:
    uses = Uses(loop)
    for _ in range(SIZE + 2):
        uses.ask(None)
    uses.ask(A)
    loop.turn(5)
    assert (uses.held(None), uses.held(A)) == (SIZE + 2, 0)

    for _, event in uses.inside[:3]:
        event.set()
    loop.turn(5)
    assert uses.held(A) == 1


def test_tenants_are_served_in_turn_and_each_ones_requests_in_their_order(loop: TurnLoop) -> None:
    uses = Uses(loop, size=1)
    uses.ask(C)
    loop.turn(3)
    order = []
    asked = [A, A, A, B, B]
    for tenant in asked:
        uses.ask(tenant)
        loop.turn(3)
    for _ in asked:
        uses.inside[0][1].set()
        loop.turn(5)
        order.append(uses.inside[0][0])

    assert order == [A, B, A, B, A]


def test_who_waits_for_too_long_is_told_and_forgotten(loop: TurnLoop) -> None:
    uses = Uses(loop, size=2)
    first = uses.ask(A)
    loop.turn(3)
    late = uses.ask(A, seconds=1.5)
    loop.turn(3)
    loop.now += 1.4
    loop.turn(5)
    assert not late.done()
    loop.now += 0.2
    loop.turn(5)

    assert isinstance(late.exception(), PoolTimeout)
    assert not vars(uses.shares)["_waiting"]
    uses.inside[0][1].set()
    uses.ask(A)
    loop.turn(5)
    assert first.exception() is None
    assert uses.held(A) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "leave", "cancel", "late"]), st.integers(0, 5), st.integers(0, 2)),
    max_size=40,
)


@given(STEPS, st.integers(1, 5))
def test_whatever_comes_and_goes_nothing_is_lost_and_nobody_waits_without_need(
    steps: list[tuple[str, int, int]], size: int
) -> None:
    loop = TurnLoop()
    uses, tasks = Uses(loop, size), list[tuple[UUID, "asyncio.Task[None]"]]()
    try:
        for step, which, turns in steps:
            if step == "ask":
                tenant = (A, B, C)[which % 3]
                tasks.append((tenant, uses.ask(tenant, seconds=10.0 if which < 3 else 1.0)))
            elif step == "leave" and uses.inside:
                uses.inside[which % len(uses.inside)][1].set()
            elif step == "cancel" and tasks:
                tasks[which % len(tasks)][1].cancel()
            elif step == "late":
                loop.now += 2.0
            loop.turn(turns)
        loop.turn(10)

        held = Counter(tenant for tenant, _ in uses.inside)
        free = size - held.total()
        assert free >= 0
        under_way = Counter(tenant for tenant, task in tasks if not task.done())
        assert all(held[tenant] >= free for tenant in under_way if under_way[tenant] > held[tenant])
        while uses.inside:
            uses.inside[0][1].set()
            loop.turn(5)
        assert all(task.done() for _, task in tasks)
        again = [uses.ask(tenant) for tenant in (A, B, C)[: min(size, 3)]]
        loop.turn(3)
        assert len(uses.inside) == len(again)
    finally:
        loop.discard()


def test_a_statement_says_by_its_parameters_whose_it_is() -> None:
    assert tenant_of({"tenant": A, "rule": B}) == A
    assert [tenant_of(each) for each in ({"rule": B}, (A,), {"tenant": None}, {})] == [None] * 4
