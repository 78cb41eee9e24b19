"""A child as its parent and its own process know it: what is said over the pipe and by signals, and what ends it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.supervisors.multiprocess import Process

from automation.service import logs, side_log
from automation.service.connection_bounds import Bounds
from automation.service.http import fork
from automation.service.http.child import STOP_SECONDS, Child
from automation.service.watchdog import EXIT_CODE, Limits

LIMITS = Limits(warn_seconds=1.0, kill_seconds=10.0)
BOUNDS = Bounds(first_byte_seconds=1, body_seconds=1, write_seconds=1, slowest_rate=1, most=1, most_per_address=1)
DRAIN_SECONDS, GRACE_SECONDS = 7.0, 4
CONFIG = uvicorn.Config("nowhere:nothing", log_config=None, timeout_graceful_shutdown=GRACE_SECONDS)
FORKED = uvicorn.Config("nowhere:forked", log_config=None)


class Running:
    """A process as multiprocessing shows it: this one, so that its signals come here."""

    def __init__(self, *, alive: bool = True, pid: int | None = None) -> None:
        self.alive = alive
        self.pid = pid
        self.exitcode = None
        self.done: list[object] = []

    def is_alive(self) -> bool:
        return self.alive

    def start(self) -> None:
        self.done.append("start")

    def kill(self) -> None:
        self.done.append("kill")

    def join(self, seconds: float) -> None:
        self.done.append(seconds)


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The signals to stop that come to this process."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    yield heard
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def child() -> Iterator[Child]:
    made = a_child()
    yield made
    made.parent_conn.close()
    made.child_conn.close()


def a_child(*sockets: socket.socket, forked: uvicorn.Config | None = None) -> Child:
    return Child(CONFIG, list(sockets), LIMITS, BOUNDS, DRAIN_SECONDS, forked=forked)


def running(child: Child, process: Running) -> Running:
    child.process = process  # type: ignore[assignment]  # as much of one as is asked for
    return process


def said(child: Child) -> list[object]:
    """Return what its parent has told it."""
    words = []
    while child.child_conn.poll(0):
        words.append(child.child_conn.recv())
    return words


def test_one_that_is_told_to_stop_alone_may_close_its_sockets(child: Child, told: list[int]) -> None:
    running(child, Running(pid=os.getpid()))

    child.terminate()

    assert (said(child), told) == ([b"release"], [signal.SIGTERM])


def test_one_that_stops_with_others_waits_for_the_word_to_close_its_sockets(child: Child, told: list[int]) -> None:
    running(child, Running(pid=os.getpid()))

    child.stop()

    assert (said(child), told) == ([], [signal.SIGTERM])


@pytest.mark.parametrize("process", [Running(alive=False, pid=os.getpid()), Running()], ids=["ended", "never started"])
def test_one_that_does_not_live_is_not_told_to_stop(child: Child, told: list[int], process: Running) -> None:
    running(child, process)

    child.stop()

    assert told == []


def test_one_that_was_just_made_is_known_for_nothing(child: Child) -> None:
    assert (child.serves, child.ended, child.seconds, child.hangs, child.rests()) == (False, "", 0.0, False, False)


def test_its_answer_is_not_waited_for(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(child.parent_conn, "poll", waited.append, raising=False)

    for _ in range(3):
        child.hear()

    assert waited == [0, 0]
    assert said(child) == [b"ping"]


def test_one_that_has_ended_may_be_released_and_serves_no_more(child: Child) -> None:
    child.serves = True
    child.child_conn.close()

    child.release()
    child.hear()

    assert not child.serves


def test_that_it_serves_is_told_each_time_it_begins_to(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(side_log, "say", lambda _log, _level, event, **_: lines.append(event))
    running(child, Running(pid=os.getpid()))
    told = []
    for serves in (False, True, True, False, True):
        child.hear()
        child.child_conn.send(serves)
        child.hear()
        told.append((child.serves, len(lines)))

    assert told == [(False, 0), (True, 1), (True, 1), (False, 1), (True, 2)]
    assert set(lines) == {"process serves"}


def test_one_that_was_never_told_to_rest_does_not(child: Child) -> None:
    assert not child.rests()


def test_one_that_is_killed_is_waited_for(child: Child) -> None:
    process = running(child, Running(pid=os.getpid()))

    child.kill()

    assert process.done == ["kill", STOP_SECONDS]


def test_its_server_shares_its_sockets_and_is_held_to_what_it_was_given(child: Child) -> None:
    server = child.server

    assert server is child.server
    assert (server.config, server._shared, server._bounds) == (CONFIG, True, BOUNDS)
    assert server._drain_seconds == DRAIN_SECONDS
    assert server._watchdog._limits is LIMITS


def test_one_that_cannot_be_a_fork_is_started_as_a_program_and_keeps_no_sockets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fork, "possible", lambda: False)
    with socket.socket() as listener:
        programs = [a_child(listener), a_child(listener, forked=FORKED)]
        for program in programs:
            running(program, Running())
            program.start()

    assert [program.process.done for program in programs] == [["start"], ["start"]]  # type: ignore[attr-defined]
    assert [(program._forked, program._sockets) for program in programs] == [(None, [])] * 2


def test_a_fork_keeps_its_pipe_its_sockets_and_where_lines_go_and_serves_the_application_for_forks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[tuple[Any, list[int]]] = []
    served: list[object] = []
    process = Running()

    def start(work: Any, kept: list[int]) -> Running:
        begun.append((work, kept))
        return process

    monkeypatch.setattr(fork, "possible", lambda: True)
    monkeypatch.setattr(fork, "start", start)
    monkeypatch.setattr(logs, "settle", lambda: served.append("settled"))
    with socket.socket() as listener:
        child = a_child(listener, forked=FORKED)
        kept = {child.parent_conn.fileno(), child.child_conn.fileno(), listener.fileno(), logs.descriptor()}
        monkeypatch.setattr(child, "target", served.append)
        child.start()
        begun[0][0]()

    assert vars(child)["process"] is process
    assert set(begun[0][1]) == kept
    assert served == [[listener], "settled"]
    assert child.server.config is FORKED


def test_in_its_own_process_it_closes_the_end_of_the_pipe_that_is_its_parents(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[object] = []
    monkeypatch.setattr(Process, "target", lambda _self, sockets: served.append((child._server, sockets)))

    child.target([])

    assert served == [(child.server, [])]
    assert child.parent_conn.closed


class Pipe:
    """The child's end of a pipe whose parent says a few words and ends."""

    def __init__(self, *words: object) -> None:
        self.words = list(words)
        self.answers: list[object] = []

    def recv(self) -> object:
        if not self.words:
            raise EOFError
        return self.words.pop(0)

    def send(self, answer: object) -> None:
        self.answers.append(answer)


@pytest.mark.parametrize("grace", [GRACE_SECONDS, None])
def test_it_answers_its_parent_and_ends_in_order_when_that_has_ended(
    child: Child, monkeypatch: pytest.MonkeyPatch, grace: int | None
) -> None:
    done: list[object] = []
    pipe = Pipe(b"ping", b"release", b"ping")
    monkeypatch.setattr(time, "sleep", done.append)
    monkeypatch.setattr(logs, "gather_no_more", lambda: done.append("all is told"))
    monkeypatch.setattr(os, "_exit", done.append)
    monkeypatch.setattr(child, "child_conn", pipe)
    monkeypatch.setattr(CONFIG, "timeout_graceful_shutdown", grace)
    child.server.started = True

    child.always_pong()

    server = child.server
    assert pipe.answers == [True, True]
    assert server._released
    assert (server.should_exit, server._shared, server._drain_seconds) == (True, False, 0)
    assert done == [(grace or 0) + STOP_SECONDS, "all is told", EXIT_CODE]


def test_one_that_only_answers_is_not_released(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe(b"ping")
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(logs, "gather_no_more", lambda: None)
    monkeypatch.setattr(os, "_exit", lambda _code: None)
    monkeypatch.setattr(child, "child_conn", pipe)

    child.always_pong()

    assert (pipe.answers, child.server._released) == ([False], False)
