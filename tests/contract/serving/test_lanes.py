"""Few reads of a tenant are under way at a time, in the order in which they came, and nobody else's wait for them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.contract.serving import read_lanes
from automation.contract.serving.read_lanes import MOST, ReadLanes
from automation.domain.errors import Unavailable
from automation.service.application import AT_ONCE
from tests.shipped_contract.shipped import ENTRIES
from tests.turns import TurnLoop


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


async def read(lanes: ReadLanes, tenant: str, begun: list[str], until: asyncio.Event) -> None:
    async with lanes.admitted(tenant):
        begun.append(tenant)
        await until.wait()


def test_of_many_reads_of_a_tenant_few_begin_and_another_tenants_do(loop: TurnLoop) -> None:
    lanes, begun, until = ReadLanes(), list[str](), asyncio.Event()
    for tenant in "aaaaabab":
        loop.begin(read(lanes, tenant, begun, until))
    loop.turn(3)
    first = sorted(begun)
    until.set()
    loop.turn(20)

    assert first == ["a"] * MOST + ["b"] * MOST
    assert sorted(begun) == ["a"] * 6 + ["b"] * 2


def test_who_waits_for_too_long_is_told_so(loop: TurnLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_lanes, "LONGEST", 5.0)
    lanes, begun, until = ReadLanes(), list[str](), asyncio.Event()
    tasks = [loop.begin(read(lanes, "a", begun, until)) for _ in range(MOST + 1)]
    loop.turn(3)
    loop.now += 6.0
    loop.turn(5)

    assert isinstance(tasks[-1].exception(), Unavailable)
    assert not any(task.done() for task in tasks[:-1])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.booleans()), max_size=14))
def test_whoever_leaves_all_others_are_read(reads: list[tuple[str, int, bool]]) -> None:
    loop = TurnLoop()
    lanes, begun, until = ReadLanes(), list[str](), asyncio.Event()
    tasks = []
    try:
        for tenant, turns, leaves in reads:
            tasks.append(loop.begin(read(lanes, tenant, begun, until)))
            loop.turn(turns)
            if leaves:
                tasks[len(tasks) // 2].cancel()
        until.set()
        loop.turn(80)

        assert all(task.done() for task in tasks)
        late = loop.begin(read(lanes, "a", begun, until))
        loop.turn(2)
        assert late.done()
    finally:
        loop.discard()


def test_what_is_read_at_once_is_a_read_of_the_contract() -> None:
    reads: set[Any] = {entry.name for entry in ENTRIES if entry.method.upper() == "GET"}

    assert reads >= AT_ONCE
