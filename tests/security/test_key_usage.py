"""The time of ``last_used_at`` is written, now or once it can be."""

import asyncio
import logging

import pytest

from automation.domain.errors import Unavailable
from security.authenticator import Authenticator
from security.key_usage import KeyUsage
from tests.security.directories import Clock, MemoryDirectory
from tests.turns import TurnLoop

KEY, OTHER = b"k" * 32, b"o" * 32


async def test_a_key_is_written_once_a_minute_at_most(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory)

    for second in range(61):
        usage.note(KEY, float(second))
        await usage.flush()

    assert directory.touched == [(KEY,), (KEY,)]


async def test_whoever_notes_a_use_is_told_when_the_next_one_is_due(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory)

    assert [usage.note(KEY, now) for now in (5.0, 64.9, 65.0)] == [65.0, 65.0, 125.0]


async def test_keys_in_use_are_written_together(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory)

    for digest in (KEY, OTHER, KEY):
        usage.note(digest, 0.0)
    await usage.flush()

    assert directory.touched == [(KEY, OTHER)]


async def test_nothing_is_written_while_no_key_is_used(directory: MemoryDirectory) -> None:
    await KeyUsage(directory).flush()

    assert directory.touched == []


async def test_what_could_not_be_written_is_tried_again(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory)
    usage.note(KEY, 0.0)
    directory.failure = Unavailable()
    await usage.flush()

    directory.failure = None
    await usage.flush()

    assert directory.touched == [(KEY,)]


async def test_a_failure_is_logged_once_and_without_key_material(
    directory: MemoryDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    usage = KeyUsage(directory)
    usage.note(KEY, 0.0)
    directory.failure = Unavailable()

    with caplog.at_level(logging.INFO):
        await usage.flush()
        await usage.flush()

    assert [record.getMessage() for record in caplog.records] == ["last_used_at of 1 keys could not be written yet"]
    assert str(KEY) not in caplog.text
    assert KEY.hex() not in caplog.text


async def test_a_failure_after_others_were_mended_is_logged_again(
    directory: MemoryDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    usage = KeyUsage(directory)
    for failure in (Unavailable(), None, Unavailable()):
        usage.note(KEY, 100.0 * len(directory.touched))
        directory.failure = failure
        await usage.flush()

    assert len(caplog.records) == 2


async def test_the_background_writes_by_itself_and_outlives_failures(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory, period=0.001)
    usage.start()
    directory.failure = RuntimeError("a bug")
    usage.note(KEY, 0.0)
    await asyncio.sleep(0.02)

    directory.failure = None
    await asyncio.sleep(0.02)

    assert directory.touched == [(KEY,)]
    await usage.stop()


def test_uses_are_written_each_second_where_nobody_says_otherwise(directory: MemoryDirectory) -> None:
    loop = TurnLoop()
    usage = KeyUsage(directory)

    async def begin() -> None:
        usage.start()

    loop.begin(begin())
    loop.turn(3)
    written = []
    for second in (0.75, 1.0, 1.75, 2.0):
        usage.note(second.hex().encode(), second)
        loop.now = second
        loop.turn(6)
        written.append(len(directory.touched))
    loop.discard()

    assert written == [0, 1, 1, 2]


def test_what_authenticates_writes_uses_in_the_background_from_its_start_on(
    directory: MemoryDirectory, clock: Clock
) -> None:
    loop = TurnLoop()
    stored = directory.add()
    authenticator = Authenticator(directory, clock=clock)

    async def begin() -> None:
        authenticator.start()
        await authenticator.resolve(stored.key.plaintext, None)

    loop.begin(begin())
    loop.turn(8)
    loop.now += 1.0
    loop.turn(6)
    loop.discard()

    assert directory.touched == [(stored.key.digest,)]


async def test_a_use_that_fails_to_be_written_twice_is_due_no_sooner(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory)
    directory.failure = Unavailable()

    due = [usage.note(KEY, 5.0)]
    await usage.flush()
    due.append(usage.note(KEY, 6.0))

    assert due == [65.0, 65.0]


async def test_stopping_writes_what_is_pending(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory, period=3600)
    usage.start()
    usage.note(KEY, 0.0)

    await usage.stop()

    assert directory.touched == [(KEY,)]


async def test_memory_is_bounded_while_nothing_can_be_written(directory: MemoryDirectory) -> None:
    usage = KeyUsage(directory, capacity=10)
    directory.failure = Unavailable()

    for number in range(100):
        usage.note(number.to_bytes(32), 0.0)
        await usage.flush()

    assert len(usage._pending) == len(usage._due) == 10


async def test_every_accepted_request_is_a_use_and_a_refused_one_is_not(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
) -> None:
    used, refused = directory.add(), directory.add()
    await authenticator.resolve(used.key.plaintext, None)
    with pytest.raises(Exception, match="tenant"):
        await authenticator.resolve(refused.key.plaintext, str(used.principal.tenant))

    await authenticator.stop()

    assert directory.touched == [(used.key.digest,)]
