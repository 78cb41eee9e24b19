"""Few requests of a tenant's lane are under way at a time, in the order in which they came; no others wait."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.contract.serving import lanes as of_lanes
from automation.contract.serving.lanes import LONGEST, MOST, Lane, Lanes
from automation.domain.errors import Unavailable
from automation.service.application import LANES
from tests.contract.tiny import Handlers, Json, answer, contract, operation, secured
from tests.shipped_contract.shipped import ENTRIES
from tests.turns import TurnLoop


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


async def read(lanes: Lanes, tenant: str, begun: list[str], until: asyncio.Event, lane: Lane = Lane.READS) -> None:
    async with lanes.admitted(tenant, lane):
        begun.append(tenant)
        await until.wait()


def test_of_many_reads_of_a_tenant_few_begin_and_another_tenants_do(loop: TurnLoop) -> None:
    lanes, begun, until = Lanes(), list[str](), asyncio.Event()
    for tenant in "aaaaabab":
        loop.begin(read(lanes, tenant, begun, until))
    loop.turn(3)
    first = sorted(begun)
    until.set()
    loop.turn(20)

    assert first == ["a"] * MOST + ["b"] * MOST
    assert sorted(begun) == ["a"] * 6 + ["b"] * 2


def test_requests_of_different_lanes_do_not_wait_for_each_other(loop: TurnLoop) -> None:
    lanes, begun, until = Lanes(), list[str](), asyncio.Event()
    for lane in Lane:
        for _ in range(MOST + 1):
            loop.begin(read(lanes, "a", begun, until, lane))
    loop.turn(3)

    assert len(begun) == len(Lane) * MOST


def test_a_lane_is_forgotten_once_nobody_uses_it(loop: TurnLoop) -> None:
    lanes, until = Lanes(), asyncio.Event()
    for tenant in "aab":
        loop.begin(read(lanes, tenant, [], until))
    loop.turn(3)
    used = len(lanes._lanes)
    until.set()
    loop.turn(10)

    assert (used, len(lanes._lanes)) == (2, 0)


def test_who_waits_for_too_long_is_told_so(loop: TurnLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_lanes, "LONGEST", 5.0)
    lanes, begun, until = Lanes(), list[str](), asyncio.Event()
    tasks = [loop.begin(read(lanes, "a", begun, until)) for _ in range(MOST + 1)]
    loop.turn(3)
    loop.now += 6.0
    loop.turn(5)

    assert isinstance(tasks[-1].exception(), Unavailable)
    assert not any(task.done() for task in tasks[:-1])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.booleans()), max_size=14))
def test_whoever_leaves_all_others_are_read(reads: list[tuple[str, int, bool]]) -> None:
    loop = TurnLoop()
    lanes, begun, until = Lanes(), list[str](), asyncio.Event()
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


def test_what_is_done_at_once_is_in_the_contract() -> None:
    assert {entry.name for entry in ENTRIES} >= LANES.keys()


async def test_requests_of_a_tenant_wait_in_the_lane_of_their_operation_and_no_others(handlers: Handlers) -> None:
    begun, all_there, until = Counter[str](), asyncio.Event(), asyncio.Event()

    def waiting(name: str) -> Callable[[], Awaitable[Json]]:
        async def handler() -> Json:
            begun[name] += 1
            if begun["get_free"] == begun["get_public"] == MOST + 2 and begun["get_lane"] >= MOST:
                all_there.set()
            await until.wait()
            return {}

        handler.__name__ = name
        return handler

    paths = {
        "/lane": {"get": secured("getLane", responses={"200": answer()})},
        "/free": {"get": secured("getFree", responses={"200": answer()})},
        "/public": {"get": operation("getPublic", responses={"200": answer()})},
    }
    functions = [waiting(name) for name in ("get_lane", "get_free", "get_public")]
    lanes = {"getLane": Lane.READS, "getFree": None, "getPublic": Lane.READS}
    things = handlers.serve(contract(paths), *functions, lanes=lanes)
    asked = [
        asyncio.create_task(things.get(path, headers={"x-api-key": "a key"})) for path in paths for _ in range(MOST + 2)
    ]

    async with asyncio.timeout(LONGEST):
        await all_there.wait()
    for _ in range(50):
        await asyncio.sleep(0)

    assert begun == {"get_lane": MOST, "get_free": MOST + 2, "get_public": MOST + 2}
    until.set()
    assert {each.status_code for each in await asyncio.gather(*asked)} == {200}
    assert begun["get_lane"] == MOST + 2
