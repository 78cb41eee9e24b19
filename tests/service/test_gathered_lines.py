"""Lines that come with every request leave together, in their order, and soon; what is said besides goes after them."""

import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from automation.service import logs
from automation.service.gathered_lines import MOST, GatheredLines
from automation.service.setting_types import LogFormat, LogLevel

VALUES = {"status": 200, "duration_ms": 1.25, "client": None, "tenant": UUID(int=7), "client_said": 'a "b" \r\n é'}


class Pieces(io.StringIO):
    """A stream that remembers what it was given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.pieces.append(text)
        self.written.set()
        return super().write(text)


@pytest.fixture
def restored() -> Iterator[None]:
    """Log lines go where they went before, after the test."""
    yield
    structlog.reset_defaults()


async def test_lines_leave_in_one_piece_by_themselves() -> None:
    stream = Pieces()
    lines = GatheredLines(stream)

    for number in range(5):
        lines.gather(b"%d\n" % number)
    before = list(stream.pieces)
    await stream.written.wait()

    assert (before, stream.pieces) == ([], ["0\n1\n2\n3\n4\n"])


async def test_what_is_gathered_after_others_have_left_leaves_too() -> None:
    stream = Pieces()
    lines = GatheredLines(stream)

    for text in (b"one\n", b"two\n"):
        lines.gather(text)
        await stream.written.wait()
        stream.written.clear()

    assert stream.pieces == ["one\n", "two\n"]


async def test_what_is_written_does_not_overtake() -> None:
    stream = Pieces()
    lines = GatheredLines(stream)

    lines.gather(b"first\n")
    lines.write("second\n")
    lines.gather(b"third\n")
    lines.flush()

    assert stream.pieces == ["first\n", "second\n", "third\n"]


async def test_no_more_than_some_wait() -> None:
    stream = Pieces()
    lines = GatheredLines(stream)

    for _ in range(MOST):
        lines.gather(b"line\n")

    assert stream.pieces == ["line\n" * MOST]


async def test_at_the_end_what_waits_leaves_and_nothing_waits_any_more() -> None:
    stream = Pieces()
    lines = GatheredLines(stream)

    lines.gather(b"one\n")
    lines.end()
    lines.gather(b"two\n")

    assert stream.pieces == ["one\n", "two\n"]


@pytest.mark.parametrize("log_format", LogFormat)
async def test_a_frequent_line_is_the_one_that_any_logger_says(log_format: LogFormat, restored: None) -> None:
    stream = Pieces()
    logs.configure(log_format, LogLevel.INFO, stream)

    logs.frequent("a test of frequent lines")("request", "one", {**VALUES})
    logs.gather_no_more()
    frequent = stream.getvalue()
    stream.truncate(0)
    stream.seek(0)
    with structlog.contextvars.bound_contextvars(request_id="one"):
        structlog.get_logger("a test of other lines").info("request", **VALUES)

    assert without_time(frequent) == without_time(stream.getvalue())


def without_time(line: str) -> Any:
    """Return the members of a line and their order; of its time, the form."""
    if not line.startswith("{"):
        return [word for word in sorted(line.split()) if not word.startswith(("20", "\x1b[2m20"))]
    members = json.loads(line)
    return [(name, len(value) > 20 if name == "timestamp" else value) for name, value in members.items()]


async def test_where_such_lines_are_not_asked_for_there_are_none(restored: None) -> None:
    stream = Pieces()
    logs.configure(LogFormat.JSON, LogLevel.WARNING, stream)

    logs.frequent("a test of silence")("request", "one", {})
    logs.gather_no_more()

    assert stream.getvalue() == ""
