"""Steps of a fork, each taken in this process: what a child closes, what it hears, and that no signal comes between."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from automation.service.http import fork

NOTHING: frozenset[int] = frozenset()
BLOCKED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def mask() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, NOTHING))


def rest() -> None:
    """Do nothing."""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put back what this process does with signals."""
    before = {number: signal.getsignal(number) for number in BLOCKED}
    allowed = mask()
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, allowed)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for each in (reading, writing):
        os.close(each)


@pytest.mark.parametrize(("threads", "possible"), [(1, True), (2, False)])
def test_only_who_is_alone_may_fork(threads: int, monkeypatch: pytest.MonkeyPatch, *, possible: bool) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: threads)

    assert fork.possible() is possible


class Process:
    """A process that is not started, and says what it would do."""

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.target, self.args = target, args
        self.blocked: set[int] = set()

    def start(self) -> None:
        self.blocked = mask()


class Context:
    """Makes processes, or fails to."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails

    def Process(self, target: Callable[..., None], args: tuple[Any, ...]) -> Process:  # noqa: N802 - as the real one
        if self._fails:
            raise OSError
        return Process(target, args)


def test_a_child_closes_all_but_the_standard_descriptors_and_those_that_it_is_given(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    monkeypatch.setattr(fork, "_context", Context())
    before = mask()

    process: Any = fork.start(rest, [pipe[1]])

    work, surplus, allowed = process.args
    assert (process.target, work, allowed) == (fork._live, rest, before)
    assert surplus == fork._open_descriptors() - {0, 1, 2, pipe[1]}
    assert pipe[0] in surplus
    assert (process.blocked, mask()) == (set(BLOCKED), before)


def test_signals_are_heard_again_where_no_child_could_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork, "_context", Context(fails=True))
    before = mask()

    with pytest.raises(OSError):  # noqa: PT011 -- the one that is raised above
        fork.start(rest, [])

    assert mask() == before


def test_what_is_open_is_found_and_what_was_closed_is_not(pipe: tuple[int, int]) -> None:
    other = os.dup(pipe[0])
    before = fork._open_descriptors()
    os.close(other)

    assert {0, 1, 2, *pipe, other} <= before
    assert other not in fork._open_descriptors()
    assert all(map(fork._is_open, before - {other}))
    assert not fork._is_open(other)


def test_a_child_takes_leave_of_its_parent_before_it_hears_anything_or_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    for module, name in ((gc, "freeze"), (gc, "disable"), (os, "close"), (fork, "_hear_signals_as_started")):
        monkeypatch.setattr(module, name, lambda *given, name=name: done.append((name, *given)))
    signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    allowed = {signal.SIGUSR2}

    def interrupted() -> None:
        done.append(("works", mask()))
        raise KeyboardInterrupt

    fork._live(interrupted, [7, 8], allowed)  # type: ignore[arg-type]  # numbers, as they are

    told = [("freeze",), ("disable",), ("close", 7), ("close", 8), ("_hear_signals_as_started",), ("works", allowed)]
    assert done == told


def test_signals_are_heard_as_in_a_program_that_was_just_started(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.set_wakeup_fd(pipe[1])

    fork._hear_signals_as_started()

    heard = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)]
    assert heard == [signal.SIG_DFL, signal.default_int_handler, signal.SIG_DFL, signal.SIG_IGN]
    assert signal.set_wakeup_fd(-1) == -1
