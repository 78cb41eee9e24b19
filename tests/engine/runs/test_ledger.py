"""Ledger of a run: what its answers say of the claim, which of its writes wait for others, and what is spent."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionStatus
from automation.engine.runs import lease, outages
from automation.engine.runs.journal import Journal
from automation.engine.runs.ledger import BrokenOff, Cause, Ledger
from automation.storage.runs import (
    ActionDone,
    CallBegins,
    Claim,
    Ending,
    Finished,
    LogPart,
    Outcome,
    Renewal,
    Runs,
    TryFailed,
    Write,
)
from tests.engine.runs.held_store import turns
from tests.engine.runs.scripted import a_claim, a_content, say

GOES_ON = Renewal(cancel_requested=False, deadline_passed=False)
A_TRY = TryFailed(tries=1, keep_call_key=False)


@dataclass
class Clock:
    """A clock that the test moves."""

    now: float = 100.0


@dataclass
class Answers:
    """A store that answers as the test says, one question after the other, and notes what it was asked.

    Args:
        given: What it answers, or raises; then that it is stored.
        meanwhile: Called in each question, before it is answered.
    """

    given: list[Any] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    async def renew(self, claim: Claim, *, lease: float) -> Renewal | None:
        return cast("Renewal | None", self._answer("renew", claim, lease))

    async def write(
        self, claim: Claim, write: Write, logs: LogPart, *, actions_seconds: float | None = None
    ) -> Outcome | ExecutionStatus | None:
        return self._stored("write", claim, write, logs, actions_seconds)

    async def log(self, claim: Claim, logs: LogPart) -> Outcome | ExecutionStatus | None:
        return self._stored("log", claim, logs)

    async def end(
        self, claim: Claim, ending: Ending, logs: LogPart, *, done: ActionDone | None, actions_seconds: float
    ) -> Outcome | ExecutionStatus | None:
        return self._stored("end", claim, ending, logs, done, actions_seconds)

    async def mark_rule_error(self, claim: Claim, reason: str) -> None:
        self._stored("rule error", claim, reason)

    async def count_mails(self, claim: Claim, mails: int) -> int | None:
        return cast("int | None", self._answer("mails", claim, mails))

    def _stored(self, *asked: Any) -> Outcome | ExecutionStatus | None:
        return cast("Outcome | ExecutionStatus | None", self._answer(*asked))

    def _answer(self, *asked: Any) -> Any:
        self.asked.append(asked)
        self.meanwhile()
        answer = self.given.pop(0) if self.given else Outcome.STORED
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(lease, "now", lambda: made.now)
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 0.0)
    return made


@pytest.fixture
def journal() -> Journal:
    return Journal(first=3)


def a_ledger(answers: Answers, journal: Journal | None = None, *, most: int | None = None, **state: Any) -> Ledger:
    claim = replace(a_claim(a_content((say(),), {}), state), max_actions_seconds=most)
    return Ledger(cast("Runs", answers), claim, journal or Journal(), 15.0)


async def begin(ledger: Ledger, key: UUID | None = None) -> None:
    await ledger.begin_call(tries=2, call_key=key or uuid4())


@pytest.mark.parametrize(("most", "left"), [(None, math.inf), (10, 4.5), (3, -2.5)])
async def test_what_actions_may_still_take_is_the_limit_less_what_they_have_taken_before_and_now(
    most: int | None, left: float
) -> None:
    answers = Answers()
    ledger = a_ledger(answers, most=most, actions_seconds=4.0)

    ledger.spend(1.0)
    ledger.spend(0.5)
    await ledger.record(A_TRY)
    await ledger.end(Finished(status=ExecutionStatus.COMPLETED))

    assert ledger.actions_seconds_left == left
    assert [asked[-1] for asked in answers.asked] == [5.5, 5.5]


async def test_a_renewal_holds_from_before_it_was_asked_for_and_one_that_is_refused_ends_it(clock: Clock) -> None:
    answers = Answers([GOES_ON, GOES_ON, None])
    ledger = a_ledger(answers)
    before = ledger.holds()

    def pass_by() -> None:
        clock.now += 4

    answers.meanwhile = pass_by
    renewal = await ledger.renew()
    clock.now += 5.75
    late = ledger.holds()
    clock.now += 0.25
    later = ledger.holds()
    await ledger.renew()
    with pytest.raises(BrokenOff) as broken_off:
        await ledger.renew()

    assert renewal is GOES_ON
    assert (before, late, later, ledger.holds()) == (False, True, False, False)
    assert broken_off.value.cause is Cause.LOST
    assert [(asked[0], asked[1] is ledger.claim, asked[2]) for asked in answers.asked] == [("renew", True, 15.0)] * 3


async def test_a_call_begins_once_its_claim_is_stored_and_holds(clock: Clock) -> None:
    answers, key = Answers(), uuid4()
    ledger = a_ledger(answers)

    await begin(ledger, key)
    clock.now += 9.75
    late = ledger.holds()
    await begin(ledger, key)

    assert late
    assert [asked[2] for asked in answers.asked] == [CallBegins(lease=15.0, tries=2, call_key=key)] * 2


async def test_a_call_whose_claim_ran_out_as_it_was_stored_begins_anew(clock: Clock) -> None:
    answers = Answers()
    sleeps = [20.0, 20.0, 1.0]

    def sleep() -> None:
        clock.now += sleeps.pop(0)

    answers.meanwhile = sleep
    ledger = a_ledger(answers)

    await begin(ledger)

    assert len(answers.asked) == 3
    assert ledger.holds()


async def does(ledger: Ledger, way: str) -> None:
    """Write in one of the ways."""
    match way:
        case "begin":
            await begin(ledger)
        case "record":
            await ledger.record(A_TRY)
        case "tell":
            await ledger.tell()
        case "end":
            await ledger.end(Finished(status=ExecutionStatus.COMPLETED))


@pytest.mark.parametrize("way", ["begin", "record", "tell", "end"])
@pytest.mark.parametrize(
    ("answer", "cause"),
    [(None, Cause.LOST), (Outcome.CANCELLED, Cause.CANCELLED), (Outcome.OUT_OF_TIME, Cause.OUT_OF_TIME)],
)
@pytest.mark.usefixtures("clock")
async def test_an_answer_that_ends_the_run_breaks_it_off_and_keeps_its_entries(
    journal: Journal, answer: Outcome | None, cause: Cause, way: str
) -> None:
    answers = Answers([answer])
    ledger = a_ledger(answers, journal)
    journal.write("an entry")

    with pytest.raises(BrokenOff) as broken_off:
        await does(ledger, way)

    assert broken_off.value.cause is cause
    assert not ledger.holds()
    assert len(answers.asked) == 1
    assert [entry.message for entry in journal.waiting().entries] == ["an entry"]


async def test_what_is_stored_is_forgotten_by_the_journal_and_what_an_outage_swallowed_is_not(
    clock: Clock, journal: Journal
) -> None:
    answers = Answers([Unavailable(), Outcome.STORED])
    journal.write("once")

    await a_ledger(answers, journal).record(A_TRY)

    assert clock.now == 100.0
    assert [(asked[2], len(asked[3].entries), asked[3].first) for asked in answers.asked] == [(A_TRY, 1, 3)] * 2
    assert (journal.waiting().first, journal.waiting().entries) == (4, ())


@pytest.mark.usefixtures("clock")
async def test_the_status_that_an_execution_ended_with_is_returned() -> None:
    answers = Answers([ExecutionStatus.FAILED])

    assert await a_ledger(answers).end(Finished(status=ExecutionStatus.COMPLETED)) is ExecutionStatus.FAILED


async def test_entries_alone_are_told_where_there_are_some_and_nothing_is_to_be_recorded(journal: Journal) -> None:
    answers = Answers()
    ledger = a_ledger(answers, journal)

    await ledger.tell()
    nothing = list(answers.asked)
    journal.write("an entry")
    await ledger.tell()
    told = len(answers.asked)
    journal.write("another one")
    ledger.keep(ActionDone(index=0, result={}, failed=False))
    await ledger.tell()

    assert (nothing, told, len(answers.asked)) == ([], 1, 1)
    assert [entry.message for entry in journal.waiting().entries] == ["another one"]


async def test_entries_alone_are_left_to_the_write_that_is_under_way(journal: Journal) -> None:
    answers = Answers()
    ledger = a_ledger(answers, journal)
    journal.write("an entry")

    async with ledger._turn:
        await ledger.tell()

    assert answers.asked == []


@pytest.mark.usefixtures("clock")
async def test_what_was_recorded_or_found_the_run_ended_is_not_recorded_again() -> None:
    recorded, broken = Answers(), Answers([Outcome.CANCELLED])
    first, second = a_ledger(recorded), a_ledger(broken)

    await first.record(A_TRY)
    await first.end(Finished(status=ExecutionStatus.COMPLETED))
    with pytest.raises(BrokenOff):
        await second.record(A_TRY)
    await second.end(Finished(status=ExecutionStatus.CANCELLED))

    assert [asked[0] for asked in recorded.asked] == ["write", "end"]
    assert [asked[0] for asked in broken.asked] == ["write", "end"]


@pytest.mark.parametrize(
    ("answer", "then"), [(Outcome.CANCELLED, ["write", "write", "end"]), (None, ["write", "write"])]
)
@pytest.mark.usefixtures("clock")
async def test_what_was_not_recorded_is_so_before_the_end_unless_the_run_is_anothers(
    monkeypatch: pytest.MonkeyPatch, answer: Outcome | None, then: list[str]
) -> None:
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 3600.0)
    answers = Answers([Unavailable(), answer])
    ledger = a_ledger(answers)
    recording = asyncio.create_task(ledger.record(A_TRY))
    await turns()
    recording.cancel()  # while it sits the outage out
    await turns()

    ending = asyncio.create_task(ledger.end(Finished(status=ExecutionStatus.CANCELLED)))
    await asyncio.wait({ending})

    assert [asked[0] for asked in answers.asked] == then
    assert isinstance(ending.exception(), BrokenOff) is (answer is None)


@pytest.mark.usefixtures("clock")
async def test_a_rule_that_cannot_be_run_is_marked_through_an_outage_and_mails_are_counted_at_once() -> None:
    answers = Answers([Unavailable(), None, 7])
    ledger = a_ledger(answers)

    await ledger.mark_rule_error("it is broken")
    most = await ledger.count_mails(3)

    assert answers.asked == [("rule error", ledger.claim, "it is broken")] * 2 + [("mails", ledger.claim, 3)]
    assert most == 7
