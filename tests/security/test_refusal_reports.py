"""Reports of refused keys: one line soon after an address is slowed down, and one a minute while that goes on."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from automation.domain.errors import ApiKeyExpired, ApiKeyInvalid, AutomationError, TooManyRefusedKeys
from security.refused_keys import RefusedKeys
from tests.turns import TurnLoop

CLIENT, OTHER = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    loop = TurnLoop()
    yield loop
    loop.discard()


@pytest.fixture
def refused(loop: TurnLoop) -> RefusedKeys:
    return RefusedKeys(0, clock=loop.time, held_seconds=0)


def refuse(loop: TurnLoop, refused: RefusedKeys, error: AutomationError, client: str = CLIENT) -> None:
    """Refuse a key of an address that has had too many."""
    refusal = loop.begin(refused.count(client, error, "ak_12345678"))
    loop.turn(4)
    assert isinstance(refusal.exception(), TooManyRefusedKeys)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int, dict[str, int]]]:
    """Return what was told since the last look: of whom, how many, and why."""
    lines = [(vars(line)["client"], vars(line)["count"], vars(line)["codes"]) for line in caplog.records]
    caplog.clear()
    return lines


def test_it_is_told_five_seconds_after_the_first_and_then_each_minute_as_long_as_there_are_more(
    loop: TurnLoop, refused: RefusedKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    heard: dict[float, list[tuple[str, int, dict[str, int]]]] = {}
    for second in (0.0, 4.5, 5.0, 10.0, 64.5, 65.0, 124.5, 125.0, 130.0, 134.5, 135.0):
        loop.now = second
        loop.turn(2)
        if lines := told(caplog):
            heard[second] = lines
        if second in {0.0, 4.5, 10.0, 130.0}:
            refuse(loop, refused, ApiKeyExpired() if second == 4.5 else ApiKeyInvalid())

    assert heard == {
        5.0: [(CLIENT, 2, {"api_key_invalid": 1, "api_key_expired": 1})],
        65.0: [(CLIENT, 1, {"api_key_invalid": 1})],
        135.0: [(CLIENT, 1, {"api_key_invalid": 1})],
    }


def test_what_was_not_told_yet_is_told_at_the_end_once_and_nothing_else_is(
    loop: TurnLoop, refused: RefusedKeys, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(loop, refused, ApiKeyInvalid(), OTHER)
    loop.now = 5.0
    loop.turn(2)
    refuse(loop, refused, ApiKeyInvalid())
    told(caplog)

    refused.stop()
    at_the_end = told(caplog)
    loop.now = 200.0
    loop.turn(3)

    assert at_the_end == [(CLIENT, 1, {"api_key_invalid": 1})]
    assert told(caplog) == []


def test_an_answer_is_held_back_for_a_second_however_many_were_held_before(loop: TurnLoop) -> None:
    refused = RefusedKeys(0, clock=loop.time)
    for _ in range(70):
        held = loop.begin(refused.count(CLIENT, ApiKeyInvalid(), None))
        loop.turn(2)
        loop.now += 0.75
        loop.turn(3)
        assert not held.done()
        loop.now += 0.25
        loop.turn(3)
        assert isinstance(held.exception(), TooManyRefusedKeys)


def test_whoever_goes_while_an_answer_is_held_back_leaves_room_for_others(loop: TurnLoop) -> None:
    refused = RefusedKeys(0, clock=loop.time)
    for _ in range(70):
        gone = loop.begin(refused.count(CLIENT, ApiKeyInvalid(), None))
        loop.turn(2)
        gone.cancel()
        loop.turn(3)
    held = [loop.begin(refused.count(CLIENT, ApiKeyInvalid(), None)) for _ in range(65)]
    loop.turn(3)

    assert [task.done() for task in held] == [False] * 64 + [True]
    for task in held:
        task.add_done_callback(asyncio.Task.exception)


def test_an_address_that_was_refused_again_is_known_for_longer_than_one_that_was_not(loop: TurnLoop) -> None:
    refused = RefusedKeys(1, clock=loop.time, capacity=2, held_seconds=0)
    for client in (CLIENT, OTHER, CLIENT, "192.0.2.3"):
        loop.begin(refused.count(client, ApiKeyInvalid(), None)).add_done_callback(asyncio.Task.exception)
        loop.turn(4)

    assert list(refused._known) == [CLIENT, "192.0.2.3"]
