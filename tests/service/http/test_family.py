"""A parent goes on with its rounds while the place of a child that ended at once is left empty for a while."""

import socket

import pytest
import uvicorn

from automation.service import side_log
from automation.service.connection_bounds import Bounds
from automation.service.http import family as of_family
from automation.service.http.child import ROUND_SECONDS, START_SECONDS, Child
from automation.service.http.family import Family
from automation.service.lifecycle import Lifecycle
from automation.service.settings import Settings
from automation.service.watchdog import Limits

LIMITS = Limits(warn_seconds=1.0, kill_seconds=10.0)
BOUNDS = Bounds(first_byte_seconds=1, body_seconds=1, write_seconds=1, slowest_rate=1, most=1, most_per_address=1)
CONFIG = uvicorn.Config("nowhere:nothing", workers=1, log_config=None)


class Stillborn(Child):
    """A child that has ended as soon as it was started."""

    def __init__(self) -> None:
        super().__init__(CONFIG, list[socket.socket](), LIMITS, BOUNDS, 0)

    def start(self) -> None:
        """Never live."""

    def kill(self) -> None:
        """Be dead already."""

    @property
    def pid(self) -> int:
        return 1


class Barren(Family):
    """A parent whose children all end at once."""

    def __init__(self) -> None:
        super().__init__(
            CONFIG, [], limits=LIMITS, bounds=BOUNDS, drain_seconds=0, lifecycle=Lifecycle("service", Settings())
        )
        self.started = 0

    def _start(self) -> Child:
        self.started += 1
        return Stillborn()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(side_log, "say", lambda _log, _level, event, **_: lines.append(event))
    return lines


def test_children_that_end_at_once_are_replaced_ever_more_slowly(said: list[str]) -> None:
    barren = Barren()
    barren.init_processes()

    rounds = []
    for number in range(20):
        before = barren.started
        barren.keep_subprocess_alive()
        rounds += [number] * (barren.started - before)

    assert rounds == [0, 3, 8, 17]
    assert said.count("process replaced") == len(rounds)
    assert said.count("process ended at once: the next one waits") == len(rounds)


def test_a_child_is_asked_once_until_it_answers_and_hangs_after_too_many_rounds(said: list[str]) -> None:
    child = Stillborn()
    answers = child.child_conn

    def hangs_after() -> int:
        """Return after how many rounds without an answer it is said to hang."""
        rounds = 0
        while not child.hangs and rounds < 1000:
            child.hear()
            rounds += 1
        return rounds

    starting = hangs_after()
    assert answers.recv()
    assert not answers.poll(0)
    answers.send(True)
    child.hear()
    asked_again, serves = answers.poll(0), child.serves

    assert (asked_again, serves, child.hangs) == (True, True, False)
    assert (starting * ROUND_SECONDS, hangs_after() * ROUND_SECONDS) == (START_SECONDS, LIMITS.kill_seconds)
    assert child.seconds == START_SECONDS + ROUND_SECONDS + LIMITS.kill_seconds
    assert said == ["process serves"]


def test_a_child_is_started_with_what_its_parent_was_given(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []

    class Begun(Stillborn):
        def __init__(self, *given: object, **named: object) -> None:
            super().__init__()
            begun.append((given, named))

        def start(self) -> None:
            begun.append("start")

    monkeypatch.setattr(of_family, "Child", Begun)
    forked = uvicorn.Config("nowhere:forked", log_config=None)
    with socket.socket() as listener:
        family = Family(
            CONFIG,
            [listener],
            limits=LIMITS,
            bounds=BOUNDS,
            drain_seconds=7,
            lifecycle=Lifecycle("service", Settings()),
            forked=forked,
        )
        family.init_processes()

    assert begun == [((CONFIG, [listener], LIMITS, BOUNDS, 7), {"forked": forked}), "start"]
    assert [type(child) for child in family.processes] == [Begun]
    assert said == ["process started"]
