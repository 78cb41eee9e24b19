"""Log lines leave at once, or later, or are dropped and counted; whoever says them never waits."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import structlog

from automation.service import logs
from automation.service.log_outlet import Outlet, outlet
from automation.service.setting_types import LogFormat, LogLevel

READ_SECONDS = 10.0


class Pipe:
    """A pipe or a socket that log lines are written to."""

    def __init__(self, reading: socket.socket | int, writing: socket.socket | int) -> None:
        self._reading, self._writing = reading, writing

    @property
    def descriptor(self) -> int:
        return self._writing if isinstance(self._writing, int) else self._writing.fileno()

    def read(self, upto: str) -> list[str]:
        """Return the lines up to one that holds a text."""
        got = b""
        while upto.encode() not in got or not got.endswith(b"\n"):
            got += os.read(self._reading, 65536) if isinstance(self._reading, int) else self._reading.recv(65536)
        return got.decode().splitlines()

    def close(self) -> None:
        for end in (self._reading, self._writing):
            os.close(end) if isinstance(end, int) else end.close()


@pytest.fixture(params=["pipe", "socket"])
def pipe(request: pytest.FixtureRequest) -> Iterator[Pipe]:
    made = Pipe(*os.pipe()) if request.param == "pipe" else Pipe(*socket.socketpair())
    yield made
    made.close()


@pytest.fixture
def restored() -> Iterator[None]:
    """Log lines go where they went before, after the test."""
    yield
    structlog.reset_defaults()


def overfill(lines: Outlet, *, kilobytes: int) -> int:
    """Write more than fits, in lines of a kilobyte, and return how many."""
    for number in range(kilobytes):
        lines.write(f"{number} ".ljust(1023, ".") + "\n")
    return kilobytes


def test_a_line_leaves_at_once(pipe: Pipe) -> None:
    lines = Outlet(pipe.descriptor)

    lines.write("one\n")

    assert pipe.read("one") == ["one"]


def test_what_nobody_reads_is_kept_in_its_order_and_leaves_when_it_is_read(pipe: Pipe) -> None:
    lines = Outlet(pipe.descriptor)

    written = overfill(lines, kilobytes=900)
    lines.write("last\n")

    read = pipe.read("last")
    assert [int(line.split()[0]) for line in read[:-1]] == list(range(written))


def test_beyond_the_room_lines_are_dropped_and_counted_once_it_flows_again(pipe: Pipe, restored: None) -> None:
    lines = Outlet(pipe.descriptor, room=10 * 1024)
    structlog.configure(
        processors=[structlog.processors.LogfmtRenderer()],
        logger_factory=structlog.WriteLoggerFactory(cast("None", lines)),
    )

    written = overfill(lines, kilobytes=900)

    *read, last = pipe.read("lines=")
    kept = [int(line.split()[0]) for line in read]
    assert kept == list(range(len(kept)))
    assert f"lines={written - len(kept)} " in last
    lines.settle(READ_SECONDS)
    lines.write("again\n")
    assert pipe.read("again") == ["again"]


def test_lines_of_many_threads_stay_whole(pipe: Pipe) -> None:
    lines = Outlet(pipe.descriptor)
    threads = [threading.Thread(target=overfill, args=(lines,), kwargs={"kilobytes": 100}) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(READ_SECONDS)
    lines.write("last\n")

    assert {len(line) for line in pipe.read("last")[:-1]} == {1023}


def test_a_reader_that_is_gone_is_no_error(pipe: Pipe) -> None:
    lines = Outlet(pipe.descriptor)
    reading = pipe._reading
    os.close(reading) if isinstance(reading, int) else reading.close()

    lines.write("one\n")

    pipe._reading = os.open(os.devnull, os.O_RDONLY)


def test_the_descriptor_is_left_as_it_was(pipe: Pipe) -> None:
    overfill(Outlet(pipe.descriptor), kilobytes=100)

    assert os.get_blocking(pipe.descriptor)


def test_where_it_cannot_be_opened_once_more_lines_leave_in_time(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refused)
        lines = Outlet(pipe.descriptor)

    lines.write("one\n")
    lines.write("two\n")

    assert pipe.read("two") == ["one", "two"]


def test_a_file_is_written_as_it_is(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        assert outlet(file) is file


def test_a_configured_log_goes_out_through_it(pipe: Pipe, restored: None) -> None:
    with os.fdopen(os.dup(pipe.descriptor), "w") as stream:
        logs.configure(LogFormat.JSON, LogLevel.INFO, stream)

        structlog.get_logger("a test of log lines").info("said")

    assert '"event":"said"' in pipe.read("said")[0]
