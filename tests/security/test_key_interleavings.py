"""Look-ups of keys in every order of ask, answer, fail, cancel and expire: each is answered, none with old news.

Changes are heard of late, in their order with what proves that all were heard of, or not at all after a gap.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from automation.domain.errors import ApiKeyInvalid, ApiKeyOverLimit, Unavailable
from automation.domain.principal import Principal
from automation.storage.keys import KeyDirectory, KeyRecord
from security.freshness import Freshness
from security.key_cache import AcceptedKey, KeyCache
from tests.turns import TurnLoop

TENANT, USER = uuid4(), uuid4()
DIGESTS = (b"one", b"two")
INDEXES = st.integers(0, 20)
TURNS_TO_AN_ANSWER = 2
"""How many turns pass at the most from the one in which the directory's answer arrives to the caller's."""


@dataclass
class LookUp:
    """What the directory was asked: it knows what was true when the question was sent, and says so when it is let."""

    version: int
    answer: asyncio.Future[KeyRecord]


@dataclass
class ManualDirectory(KeyDirectory):
    """A directory whose content is a number that only grows, so that old news can be told from new."""

    loop: TurnLoop
    version: int = 0
    look_ups: list[LookUp] = field(default_factory=list)

    @property
    def open(self) -> list[LookUp]:
        """The look-ups that are not answered."""
        return [look_up for look_up in self.look_ups if not look_up.answer.done()]

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        look_up = LookUp(self.version, self.loop.create_future())
        self.look_ups.append(look_up)
        return await look_up.answer

    async def touch(self, digests: Collection[bytes]) -> None:
        raise AssertionError("nothing here is a use")

    def say(self, look_up: LookUp) -> None:
        """Answer with what was true when the question was sent."""
        principal = Principal(TENANT, USER, frozenset(), str(look_up.version))
        look_up.answer.set_result(KeyRecord(principal, limited=False, expires_in=None))


@dataclass
class Caller:
    """Somebody who asked, and when."""

    task: asyncio.Task[AcceptedKey | None]
    asked_at: float
    given_up: bool = False


class Interleavings(RuleBasedStateMachine):
    """Every rule happens between two turns of the loop; what it sets going runs in the next."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = TurnLoop()
        self.directory = ManualDirectory(self.loop)
        self.freshness = Freshness()
        self.keys = KeyCache(self.directory, self.loop.time, freshness=self.freshness)
        self.unheard: deque[Callable[[], None]] = deque()
        self.listens = False
        self.callers: list[Caller] = []
        self.replaced_at: list[float] = []  # when each version of the directory's content ended
        self.failures: set[type[BaseException]] = set()

    @rule(digest=st.sampled_from(DIGESTS))
    def ask(self, digest: bytes) -> None:
        self.callers.append(Caller(self.loop.begin(self._ask(digest)), self.loop.now))

    async def _ask(self, digest: bytes) -> AcceptedKey | None:
        now = self.loop.now
        return self.keys.recall(digest, now) or await self.keys.look_up(digest, now)

    @rule(turns=st.integers(1, 3))
    def turn(self, turns: int) -> None:
        self.loop.turn(turns)

    @rule(seconds=st.sampled_from([0.1, 0.5, 0.9, 1.0, 700.0]))
    def advance(self, seconds: float) -> None:
        self.loop.turn()  # so that whoever asks does so at the time that was noted
        self.loop.now += seconds

    @rule(subject=st.sampled_from([USER, TENANT, None]))
    def change(self, subject: UUID | None) -> None:
        self.directory.version += 1
        self.replaced_at.append(self.loop.now)
        self._say_later(partial(self.freshness.changed, subject))

    @rule()
    def send_a_proof(self) -> None:
        self._say_later(partial(self.freshness.proved, self.loop.now))

    def _say_later(self, say: Callable[[], None]) -> None:
        if self.listens:
            self.unheard.append(say)

    @rule(most=st.integers(1, 5))
    def hear(self, most: int) -> None:
        for _ in range(min(most, len(self.unheard))):
            self.unheard.popleft()()

    @rule()
    def prove_all(self) -> None:
        self.send_a_proof()
        self.hear(len(self.unheard))

    @rule()
    def hear_of_somebody_else(self) -> None:
        self.freshness.changed(UUID(int=TENANT.int ^ USER.int ^ 1))

    @rule()
    def go_deaf(self) -> None:
        self.listens = False
        self.unheard.clear()

    @rule()
    def listen(self) -> None:
        self.unheard.clear()
        self.listens = True
        self.freshness.begin()

    @precondition(lambda self: self.directory.open)
    @rule(index=INDEXES)
    def answer(self, index: int) -> None:
        self.directory.say(self._open(index))

    @precondition(lambda self: self.directory.open)
    @rule(index=INDEXES, error=st.sampled_from([Unavailable, ApiKeyInvalid, ApiKeyOverLimit, ZeroDivisionError]))
    def fail(self, index: int, error: type[Exception]) -> None:
        self.failures.add(error)
        self._open(index).answer.set_exception(error())

    @precondition(lambda self: self.callers)
    @rule(index=INDEXES)
    def give_up(self, index: int) -> None:
        caller = self.callers[index % len(self.callers)]
        caller.given_up |= caller.task.cancel()

    @precondition(lambda self: self.keys._under_way)
    @rule(index=INDEXES)
    def cancel_a_look_up(self, index: int) -> None:
        self.failures.add(Unavailable)
        under_way = sorted(self.keys._under_way, key=_number)
        under_way[index % len(under_way)].cancel()

    def teardown(self) -> None:
        try:
            self.loop.turn(2)  # whoever asked has asked, and the directory has been
            for look_up in self.directory.open:
                self.directory.say(look_up)
            self.loop.turn(1 + TURNS_TO_AN_ANSWER)
            for caller in self.callers:
                self._judge(caller)
            assert len(self.directory.look_ups) <= len(self.callers)
            assert not self.keys._flights
            assert not self.keys._under_way
        finally:
            self.loop.discard()

    def _open(self, index: int) -> LookUp:
        return self.directory.open[index % len(self.directory.open)]

    def _judge(self, caller: Caller) -> None:
        assert caller.task.done(), "somebody waits for ever"
        if caller.task.cancelled():
            assert caller.given_up, "somebody was cancelled who didn't give up"
        elif (error := caller.task.exception()) is not None:
            assert type(error) in self.failures
        elif (accepted := caller.task.result()) is None:
            assert ApiKeyOverLimit in self.failures
        else:
            version = int(accepted.principal.key_prefix)
            replaced_at = self.replaced_at[version] if version < len(self.replaced_at) else caller.asked_at
            assert caller.asked_at < replaced_at + 1.0, "somebody got news older than a second"


def _number(task: asyncio.Task[None]) -> int:
    """Return which task of the process it is: as a name, the tenth would come before the second, in some runs only."""
    return int(task.get_name().removeprefix("Task-"))


def test_every_look_up_of_a_key_is_answered_soon_and_with_no_old_news() -> None:
    run_state_machine_as_test(Interleavings, settings=settings(max_examples=200, stateful_step_count=40, deadline=None))
