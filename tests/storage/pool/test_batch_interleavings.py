"""Reads in batches in every order of ask, answer, fail, cancel and wait: each gets its own answer, and a fresh one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from automation.domain.errors import Unavailable
from automation.storage.pool.batches import PATIENCE, Batches
from tests.turns import TurnLoop

INDEXES = st.integers(0, 20)
SIZE = 3

Value = tuple[int, int]


@dataclass
class Statement:
    """A statement that was sent: for which keys, and after how many asks."""

    keys: Sequence[int]
    sent_after: int
    answer: asyncio.Future[Sequence[Value | None]]

    def succeed(self) -> None:
        """Answer each key with itself and what was known when the statement was sent."""
        self.answer.set_result([(key, self.sent_after) for key in self.keys])


@dataclass
class Caller:
    """Somebody who asked: for which key, and as the how manieth."""

    task: asyncio.Task[Value | None]
    key: int
    number: int
    given_up: bool = False


class Interleavings(RuleBasedStateMachine):
    """Every rule happens between two turns of the loop; what it sets going runs in the next."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = TurnLoop()
        self.batches: Batches[int, Value] = Batches(self._fetch, self._fetch_alone, statements=2, size=SIZE)
        self.callers: list[Caller] = []
        self.statements: list[Statement] = []
        self.failures: set[type[BaseException]] = set()

    async def _fetch(self, keys: Sequence[int]) -> Sequence[Value | None]:
        assert 1 <= len(keys) <= SIZE
        statement = Statement(keys, len(self.callers), self.loop.create_future())
        self.statements.append(statement)
        return await statement.answer

    async def _fetch_alone(self, key: int, _since: float) -> Value | None:
        (value,) = await self._fetch([key])
        return value

    @rule(key=st.integers(0, 2))
    def ask(self, key: int) -> None:
        number = len(self.callers)
        self.callers.append(Caller(self.loop.begin(self.batches.read(key)), key, number))

    @rule(turns=st.integers(1, 3))
    def turn(self, turns: int) -> None:
        self.loop.turn(turns)

    @rule(seconds=st.sampled_from([PATIENCE / 2, PATIENCE * 2]))
    def advance(self, seconds: float) -> None:
        self.loop.now += seconds

    @precondition(lambda self: self._open())
    @rule(index=INDEXES)
    def answer(self, index: int) -> None:
        self._one(index).succeed()

    @precondition(lambda self: self._open())
    @rule(index=INDEXES, error=st.sampled_from([Unavailable, ZeroDivisionError]))
    def fail(self, index: int, error: type[Exception]) -> None:
        self.failures.add(error)
        self._one(index).answer.set_exception(error())

    @precondition(lambda self: self._open())
    @rule(index=INDEXES)
    def take_too_long(self, index: int) -> None:
        self.failures.add(Unavailable)
        late = Unavailable()
        late.timed_out = True
        self._one(index).answer.set_exception(late)

    @precondition(lambda self: self._open())
    @rule(index=INDEXES)
    def answer_too_little(self, index: int) -> None:
        self.failures.add(ValueError)
        self._one(index).answer.set_result([])

    @precondition(lambda self: self.callers)
    @rule(index=INDEXES)
    def give_up(self, index: int) -> None:
        caller = self.callers[index % len(self.callers)]
        caller.given_up |= caller.task.cancel()

    @precondition(lambda self: self.batches._under_way | self.batches._alone)
    @rule(index=INDEXES)
    def cancel_a_statement(self, index: int) -> None:
        self.failures.add(Unavailable)
        under_way = sorted(self.batches._under_way | self.batches._alone, key=lambda task: task.get_name())
        under_way[index % len(under_way)].cancel()

    def teardown(self) -> None:
        try:
            self._answer_everything()
            for caller in self.callers:
                self._judge(caller)
            assert not self.batches._waiting
            assert not self.batches._under_way
            assert not self.batches._alone
        finally:
            self.loop.discard()

    def _answer_everything(self) -> None:
        self.loop.turn(2)  # whoever asked has asked
        self.loop.now += PATIENCE * 2  # and has been patient
        for _ in range(2):  # a statement that failed is sent once more for each of its reads
            self.loop.turn(4)
            for statement in self._open():
                statement.succeed()
        self.loop.turn(4)

    def _open(self) -> list[Statement]:
        return [statement for statement in self.statements if not statement.answer.done()]

    def _one(self, index: int) -> Statement:
        return self._open()[index % len(self._open())]

    def _judge(self, caller: Caller) -> None:
        assert caller.task.done(), "somebody waits for ever"
        if caller.task.cancelled():
            assert caller.given_up, "somebody was cancelled who didn't give up"
        elif (error := caller.task.exception()) is not None:
            assert type(error) in self.failures
        else:
            assert caller.task.result() is not None
            key, sent_after = caller.task.result() or (-1, -1)
            assert key == caller.key, "somebody got another one's answer"
            assert sent_after > caller.number, "somebody got an answer to a question from before its own"


def test_every_read_in_a_batch_is_answered_with_its_own_and_fresh_value() -> None:
    run_state_machine_as_test(Interleavings, settings=settings(max_examples=200, stateful_step_count=40, deadline=None))
