"""Family that starts, reloads and stops: what each child is told, in which order, and how long anybody waits."""

import signal
import threading
from collections.abc import Iterator

import pytest
from uvicorn.config import STARTUP_FAILURE

from automation.service import side_log
from automation.service.http import family as of_family
from automation.service.http.child import ROUND_SECONDS, STOP_SECONDS
from automation.service.http.listener import SETTLING_SECONDS
from tests.service.http.households import FORKED, GRACE_SECONDS, LIMITS, Clock, Grown, Household, Listener


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(side_log, "say", lambda _log, _level, event, **_: lines.append(event))
    return lines


@pytest.fixture
def household(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Iterator[Household]:
    """A family of two, started; what is done to its sockets and children is noted in one list."""
    assert said == []
    done: list[str] = []
    clock = Clock(done)
    monkeypatch.setattr(of_family, "time", clock)
    monkeypatch.setattr(of_family, "take_no_more", lambda _listener: done.append("no more comes in"))

    class Pauses(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return clock.wait(timeout or 0)

    monkeypatch.setattr(threading, "Event", Pauses)
    Listener.done = done
    with Listener() as listener:
        made = Household(2, clock, listener)
        made.init_processes()
        yield made


def names(household: Household) -> list[str]:
    return [child.name for child in household.processes if isinstance(child, Grown)]


STOPPED = ["a stop", "b stop", "no more comes in", "a release", "b release", "listener closed"]


def test_all_that_stop_are_told_before_nothing_more_comes_in_and_released_afterwards(household: Household) -> None:
    for child in household.processes:
        child.obeys = False  # type: ignore[attr-defined]

    household.terminate_all()

    assert household.clock.done[: len(STOPPED)] == STOPPED
    assert household.clock.waits == [ROUND_SECONDS] * 6 + [SETTLING_SECONDS]
    assert household.told.beats == len(household.clock.waits)


def test_nobody_waits_for_those_that_have_all_ended(household: Household) -> None:
    household.terminate_all()

    assert household.clock.done[: len(STOPPED)] == STOPPED
    assert household.clock.waits == []


def test_a_second_signal_ends_the_wait_and_one_from_before_does_not(household: Household) -> None:
    for child in household.processes:
        child.obeys = False  # type: ignore[attr-defined]
    household.signal_queue.append(15)
    household.clock.then[2] = lambda: household.signal_queue.append(15)

    household.terminate_all()

    assert household.clock.waits == [ROUND_SECONDS, ROUND_SECONDS, SETTLING_SECONDS]


@pytest.mark.parametrize("grace", [GRACE_SECONDS, None])
def test_one_that_does_not_stop_is_ended_after_its_time(
    household: Household, said: list[str], grace: int | None
) -> None:
    household.config.timeout_graceful_shutdown = grace
    household.processes[1].obeys = False  # type: ignore[attr-defined]
    household.terminate_all()
    household.clock.waits.clear()

    household.join_all()

    assert household.clock.waits == [ROUND_SECONDS] * int(((grace or 0) + STOP_SECONDS) / ROUND_SECONDS)
    assert household.clock.done[-1] == "b kill"
    assert said == ["process stopped", "process ended: it did not stop"]


def test_one_that_stops_late_is_waited_for_and_not_ended(household: Household, said: list[str]) -> None:
    late = household.next[-1]
    household.processes[:] = [late]
    household.clock.then[3] = lambda: setattr(late, "lives", False)

    household.join_all()

    assert (household.clock.waits, household.told.beats) == ([ROUND_SECONDS] * 3, 3)
    assert said == ["process stopped"]


def test_each_is_replaced_by_one_that_serves_before_it_is_told_to_stop(household: Household, said: list[str]) -> None:
    household.restart_all()

    assert names(household) == ["c", "d"]
    assert household.clock.done == ["a release", "a stop", "b release", "b stop"]
    assert household.forks == [FORKED, FORKED, None, None], "what is installed may be another release by now"
    assert said == ["service reloads", "process stopped", "process stopped", "service reloaded"]


def test_where_the_new_one_does_not_serve_in_time_the_old_ones_stay(household: Household, said: list[str]) -> None:
    household.next[0] = Grown("c", household.clock, serves=False)

    household.restart_all()

    assert names(household) == ["a", "b"]
    assert household.clock.done == ["c kill"]
    assert household.clock.waits == [ROUND_SECONDS] * int(LIMITS.kill_seconds / ROUND_SECONDS)
    assert household.told.beats == len(household.clock.waits)
    assert said[-1] == "process not replaced: the new one does not serve"


def test_a_signal_ends_the_wait_for_a_new_one(household: Household) -> None:
    household.next[0] = Grown("c", household.clock, serves=False)
    household.clock.then[1] = lambda: household.signal_queue.append(15)

    household.restart_all()

    assert (names(household), household.clock.waits) == (["a", "b"], [ROUND_SECONDS])


def test_a_new_one_that_ends_at_once_replaces_nobody(household: Household) -> None:
    household.next[0] = Grown("c", household.clock, exit_code=1)

    household.restart_all()

    assert (names(household), household.clock.waits) == (["a", "b"], [])


def test_there_is_one_more_or_one_less_but_one_at_least(household: Household, said: list[str]) -> None:
    household.handle_ttin()
    grown = (names(household), household.processes_num)
    for _ in range(3):
        household.handle_ttou()

    assert grown == (["a", "b", "c"], 3)
    assert (names(household), household.processes_num) == (["a"], 1)
    assert household.clock.done == ["c release", "c stop", "b release", "b stop"]
    assert said == ["process stopped"] * 2


def test_one_that_could_not_start_ends_the_family(household: Household) -> None:
    before = household.failed
    household.processes[1] = Grown("x", household.clock, exit_code=STARTUP_FAILURE)

    household.keep_subprocess_alive()

    assert (before, household.failed, household.should_exit.is_set()) == (False, True, True)
    assert names(household) == ["a", "x"]
    assert household.clock.done == ["x kill"]


def test_one_that_does_not_answer_is_ended_and_replaced(household: Household, said: list[str]) -> None:
    silent = household.processes[0]
    silent._known, silent._silent_rounds = True, int(LIMITS.kill_seconds / ROUND_SECONDS)
    silent._rounds = 1000

    household.keep_subprocess_alive()

    assert (silent.ended, names(household)) == ("it does not answer", ["c", "b"])
    assert household.processes[0].respawn is silent.respawn
    assert household.clock.done == ["a kill"]
    assert said == ["process ended", "process replaced"]


def test_the_family_has_started_once_all_serve_and_tells_so_once(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting(seconds: float) -> bool:
        return household.clock.wait(seconds) or household.should_exit.is_set()

    late = household.next[0] = Grown("c", household.clock, serves=False)
    household.processes.clear()
    household.next[1:] = [Grown("d", household.clock)]
    stops = household.should_exit.set
    household.clock.then |= {2: lambda: setattr(late, "_begins_to_serve", True), 5: stops}
    monkeypatch.setattr(household.should_exit, "wait", waiting)

    household.run()

    assert household.clock.done[:2] == ["started", "stopping"]
    assert household.clock.done[-1] == "stopped"
    assert household.told.beats == 2
    assert "listener closed" in household.clock.done


def test_a_family_hears_signals_and_waits_for_those_that_stop_late(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting(seconds: float) -> bool:
        return household.clock.wait(seconds) or household.should_exit.is_set()

    household.next[0].obeys = False
    household.processes.clear()
    household.clock.then |= {1: lambda: household.signal_queue.append(signal.SIGTTIN), 3: household.should_exit.set}
    monkeypatch.setattr(household.should_exit, "wait", waiting)

    household.run()

    assert names(household) == ["c", "d", "e"]
    assert household.clock.done[-2:] == ["c kill", "stopped"]
