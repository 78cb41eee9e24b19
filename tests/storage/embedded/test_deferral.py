"""Signals while a program is started: none is lost, and none comes in between."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from automation.storage.embedded.deferral import deferred_signals


class Stopped(BaseException):
    """What this test's handler raises."""


@pytest.fixture
def handled() -> Iterator[None]:
    """A handler of SIGTERM that raises."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    former = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, former)


@pytest.mark.usefixtures("handled")
def test_a_signal_is_handled_when_the_block_has_ended() -> None:
    done = []

    def start() -> None:
        with deferred_signals():
            signal.raise_signal(signal.SIGTERM)
            done.append("the program is started and recorded")

    with pytest.raises(Stopped):
        start()

    assert done
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("handled")
def test_blocks_may_stand_in_blocks() -> None:
    done = []

    def start() -> None:
        with deferred_signals():
            with deferred_signals():
                signal.raise_signal(signal.SIGTERM)
            done.append("the outer one goes on")

    with pytest.raises(Stopped):
        start()

    assert done


def test_what_is_ignored_stays_so() -> None:
    former = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with deferred_signals():
            kept = signal.getsignal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, former)

    assert kept is signal.SIG_IGN


def test_other_threads_start_programs_as_ever() -> None:
    done = []

    def start() -> None:
        with deferred_signals():
            done.append("started")

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert done
