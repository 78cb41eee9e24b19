"""Requests with a body take turns: one stretch at a time, tenants in turn, and what others have ready in between."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.compiled.responses import ResponseRules
from automation.contract.serving.body_turns import BRIEF, BodyTurns
from automation.contract.serving.lanes import Lane
from automation.contract.serving.response_validation import LARGE
from tests.contract.tiny import Handlers, Json, answer, contract, operation, writing
from tests.turns import TurnLoop

MANY = 40


@dataclass
class Stretch:
    """One stretch of one sender's request: in which turn of the loop, and from when to when."""

    sender: str
    turn: int
    began: float
    ended: float


class Loop(TurnLoop):
    """Counts its turns."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.turns += 1
            super().turn()

    def pass_time(self, seconds: float) -> None:
        """Let the clock move on, a millisecond and a turn at a time."""
        for _ in range(round(seconds * 1000)):
            self.now += 0.001
            self.turn()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.discard()


async def send(loop: Loop, turns: BodyTurns, sender: str, cost: float, done: list[Stretch]) -> None:
    await turns.turn(sender)
    began = loop.now
    loop.now += cost
    done.append(Stretch(sender, loop.turns, began, loop.now))


def test_who_comes_alone_waits_for_nothing(loop: Loop) -> None:
    turns, done = BodyTurns(loop.time), list[Stretch]()
    loop.begin(send(loop, turns, "a", 0.0, done))
    loop.turn()

    assert [each.turn for each in done] == [1]


def test_of_what_comes_together_one_is_read_in_each_turn_and_senders_alternate(loop: Loop) -> None:
    turns, done = BodyTurns(loop.time), list[Stretch]()
    for sender in "aaabbc":
        loop.begin(send(loop, turns, sender, 0.0, done))
    loop.turn(20)

    assert "".join(each.sender for each in done) == "a" + "abc" + "ab"  # the first came when there was nobody else
    assert len({each.turn for each in done}) == 6


def test_after_a_long_stretch_nothing_is_read_for_as_long_as_it_took(loop: Loop) -> None:
    turns, done = BodyTurns(loop.time), list[Stretch]()
    for cost in (0.5, BRIEF / 2, 0.0):
        loop.begin(send(loop, turns, "a", cost, done))
    loop.turn(5)
    while_it_rests = len(done)
    loop.pass_time(0.6)

    assert while_it_rests == 1
    assert done[1].began >= done[0].ended + 0.5
    assert done[2].turn - done[1].turn <= 2


def test_who_leaves_while_it_waits_is_passed_over(loop: Loop) -> None:
    turns, done = BodyTurns(loop.time), list[Stretch]()
    tasks = [loop.begin(send(loop, turns, sender, BRIEF, done)) for sender in "aab"]
    loop.turn()
    tasks[1].cancel()
    loop.turn()
    loop.pass_time(0.02)

    assert [each.sender for each in done] == ["a", "b"]
    assert all(task.done() for task in tasks)


REQUEST = st.tuples(
    st.sampled_from("abc"), st.sampled_from((0.0, 0.001, BRIEF, 0.005)), st.integers(0, 3), st.booleans()
)


@given(st.lists(REQUEST, max_size=12))
def test_whatever_comes_and_leaves_all_others_have_their_turn(requests: list[tuple[str, float, int, bool]]) -> None:
    loop = Loop()
    turns, done = BodyTurns(loop.time), list[Stretch]()
    came: list[tuple[str, int, asyncio.Task[None]]] = []
    try:
        for sender, cost, pause, leaves in requests:
            task = loop.begin(send(loop, turns, sender, cost, done))
            came.append((sender, loop.turns, task))
            loop.turn(pause)
            if leaves:
                task.cancel()
        loop.pass_time(0.3)

        assert all(task.done() for _, _, task in came)
        assert len(done) == sum(not task.cancelled() for _, _, task in came)
        assert len({each.turn for each in done}) == len(done)
        assert all(after.began - before.ended >= before.ended - before.began - 1e-9 for before, after in _long(done))
        loop.begin(send(loop, turns, "late", 0.0, done))
        loop.turn()
        assert done[-1].sender == "late"
    finally:
        loop.discard()


def _long(done: list[Stretch]) -> Iterator[tuple[Stretch, Stretch]]:
    for before, after in pairwise(done):
        if before.ended - before.began >= BRIEF:
            yield before, after


@pytest.fixture
def things(handlers: Handlers, reads: list[int]) -> httpx.AsyncClient:
    async def take_thing(body: Json) -> None:
        reads.append(body["number"])

    async def take_raw(body: RawBody | None) -> None:
        reads.append(0)

    async def read_thing() -> Json:
        return {"text": "x" * LARGE}

    async def compute_thing() -> None:
        reads.append(0)

    paths = {
        "/large": {"get": operation("readThing", responses={"200": answer()})},
        "/computed": {"put": operation("computeThing")},
        "/json": {"put": writing("takeThing", {"type": "object"})},
        "/raw": {"put": writing("takeRaw", {}, **{"x-raw-body": ["application/json"]})},
    }
    lanes = {"computeThing": Lane.COMPUTED}
    return handlers.serve(contract(paths), take_thing, take_raw, compute_thing, read_thing, lanes=lanes)


@pytest.fixture
def reads() -> list[int]:
    return []


@pytest.mark.parametrize("path", ["/json", "/raw", "/computed"])
async def test_others_have_a_turn_between_any_two_bodies_or_answers_that_are_computed(
    things: httpx.AsyncClient, reads: list[int], path: str
) -> None:
    seen: list[int] = []

    async def be_another() -> None:
        while len(reads) < MANY:
            seen.append(len(reads))
            await asyncio.sleep(0)

    another = asyncio.create_task(be_another())
    answers = await asyncio.gather(*(things.put(path, json={"number": number}) for number in range(MANY)))
    await another

    assert {answer.is_success for answer in answers} == {True}
    assert set(range(MANY)) <= set(seen)


async def test_others_have_a_turn_between_any_two_large_answers(
    things: httpx.AsyncClient, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, require = list[int](), ResponseRules.require

    def noted(rules: ResponseRules, *response: Any) -> None:
        reads.append(0)
        require(rules, *response)

    monkeypatch.setattr(ResponseRules, "require", noted)

    async def be_another() -> None:
        while len(reads) < MANY:
            seen.append(len(reads))
            await asyncio.sleep(0)

    another = asyncio.create_task(be_another())
    answers = await asyncio.gather(*(things.get("/large") for _ in range(MANY)))
    await another

    assert {answer.status_code for answer in answers} == {200}
    assert set(range(MANY)) <= set(seen)
