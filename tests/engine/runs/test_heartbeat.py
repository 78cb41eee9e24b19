"""Beats of a run's heart: each second one, and what is heard in one ends it; an outage is sat out at a growing pace."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from automation.domain.errors import Unavailable
from automation.engine.runs.heartbeat import Heartbeat
from automation.engine.runs.ledger import BrokenOff, Cause
from automation.engine.runs.outages import sit_out_outages
from automation.storage.runs import Renewal
from tests.turns import TurnLoop

GOES_ON = Renewal(cancel_requested=False, deadline_passed=False)


class BeatenLedger:
    """A ledger that answers renewals with what the test says, the last answer for ever, and notes when it was asked."""

    def __init__(self, loop: TurnLoop, *answers: Renewal | Exception) -> None:
        self.loop = loop
        self.answers = list(answers)
        self.renewed: list[float] = []
        self.told: list[float] = []
        self.telling: Exception | None = None

    async def renew(self) -> Renewal:
        self.renewed.append(self.loop.now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def tell(self) -> None:
        self.told.append(self.loop.now)
        if self.telling is not None:
            raise self.telling


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    loop = TurnLoop()
    yield loop
    loop.discard()


def pass_by(loop: TurnLoop, seconds: float) -> None:
    """Let time pass by quarters of a second."""
    for _ in range(int(seconds * 4)):
        loop.now += 0.25
        loop.turn(8)


def beating(ledger: BeatenLedger) -> Heartbeat:
    return Heartbeat(cast("Any", ledger))


@pytest.mark.parametrize(("at_once", "beats"), [(True, [0.0, 1.0, 2.0, 3.0]), (False, [1.0, 2.0, 3.0])])
def test_it_beats_each_second_from_the_first_on_or_at_once_and_tells_each_time(
    loop: TurnLoop, *, at_once: bool, beats: list[float]
) -> None:
    ledger = BeatenLedger(loop, GOES_ON)
    heart = beating(ledger)
    listening = loop.begin(heart.listen(at_once=at_once))
    loop.turn(8)

    pass_by(loop, 3.5)
    heart.stop()
    loop.turn(8)

    assert ledger.renewed == ledger.told == beats
    assert listening.result() is Cause.STOPPING


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Renewal(cancel_requested=True, deadline_passed=False), Cause.CANCELLED),
        (Renewal(cancel_requested=False, deadline_passed=True), Cause.OUT_OF_TIME),
        (Renewal(cancel_requested=True, deadline_passed=True), Cause.CANCELLED),
        (BrokenOff(Cause.LOST), Cause.LOST),
    ],
)
def test_what_is_heard_ends_it_and_is_told_no_more(loop: TurnLoop, answer: Renewal | Exception, cause: Cause) -> None:
    ledger = BeatenLedger(loop, GOES_ON, answer)
    listening = loop.begin(beating(ledger).listen(at_once=True))
    loop.turn(8)

    pass_by(loop, 3)

    assert listening.result() is cause
    assert (ledger.renewed, ledger.told) == ([0.0, 1.0], [0.0])


def test_what_is_told_may_end_it_too(loop: TurnLoop) -> None:
    ledger = BeatenLedger(loop, GOES_ON)
    ledger.telling = BrokenOff(Cause.LOST)

    listening = loop.begin(beating(ledger).listen(at_once=True))
    loop.turn(8)

    assert listening.result() is Cause.LOST


def test_without_the_database_it_goes_on(loop: TurnLoop) -> None:
    ledger = BeatenLedger(loop, Unavailable(), Unavailable(), GOES_ON)
    listening = loop.begin(beating(ledger).listen(at_once=True))
    loop.turn(8)

    pass_by(loop, 2)

    assert not listening.done()
    assert (ledger.renewed, ledger.told) == ([0.0, 1.0, 2.0], [2.0])


def test_one_that_was_stopped_before_it_began_beats_never(loop: TurnLoop) -> None:
    ledger = BeatenLedger(loop, GOES_ON)
    heart = beating(ledger)
    heart.stop()

    listening = loop.begin(heart.listen(at_once=True))
    loop.turn(8)

    assert listening.result() is Cause.STOPPING
    assert ledger.renewed == []


def test_an_outage_is_sat_out_with_pauses_that_grow_to_two_seconds(loop: TurnLoop) -> None:
    asked: list[float] = []

    async def ask() -> str:
        asked.append(loop.now)
        if len(asked) < 7:
            raise Unavailable
        return "answered"

    asking = loop.begin(sit_out_outages(ask))
    loop.turn(8)
    pass_by(loop, 10)

    assert asking.result() == "answered"
    assert asked == [0.0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]
