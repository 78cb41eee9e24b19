"""Changes of keys that are not heard: it is told as soon as the last proof is too old, whatever it is that fails."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from automation.storage import key_changes
from automation.storage.key_changes import KeyChanges
from tests.databases import DatabaseUrls
from tests.security.directories import Clock

GOOD_FOR = 5.0
NOT_HEARD, AGAIN = "changes of keys are not heard", "changes of keys are heard again"


class Relying:
    """Whoever is told of changes, and notes when what proves them was sent."""

    def __init__(self) -> None:
        self.proofs: list[float] = []

    def begin(self) -> None:
        """Do nothing."""

    def changed(self, _subject: object) -> None:
        """Do nothing."""

    def proved(self, sent: float) -> None:
        self.proofs.append(sent)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, key_changes.__name__)
    return caplog


def changes_of(clock: Clock, url: str = "", hearer: Relying | None = None) -> KeyChanges:
    return KeyChanges(url, hearer or Relying(), good_for=GOOD_FOR, clock=clock)


def messages(told: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in told.records if each.name == key_changes.__name__]


@asynccontextmanager
async def listening(changes: KeyChanges, told: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Listen until something is told."""
    changes.start()
    try:
        yield
        async with asyncio.timeout(10):
            while not messages(told):  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)
    finally:
        await changes.stop()


async def test_where_a_connection_stands_and_nothing_comes_on_it(
    clock: Clock, told: pytest.LogCaptureFixture, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_changes, "BEAT", 0.01)
    monkeypatch.setattr(KeyChanges, "_hear", lambda *_: clock.advance(GOOD_FOR))

    async with listening(changes_of(clock, database_urls.api), told):
        pass

    assert messages(told) == [NOT_HEARD]


async def test_where_there_is_no_database(
    clock: Clock, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_changes, "PAUSE", 0.01)

    async with listening(changes_of(clock, "postgresql://127.0.0.1:1/nowhere"), told):
        clock.advance(GOOD_FOR)

    assert messages(told) == [NOT_HEARD]
    assert "refused" in str(vars(told.records[0])["error"])


@pytest.mark.parametrize(("seconds", "is_told"), [(GOOD_FOR - 1e-3, False), (GOOD_FOR, True)])
def test_a_proof_is_good_for_so_long(
    clock: Clock, told: pytest.LogCaptureFixture, seconds: float, is_told: bool
) -> None:
    changes = changes_of(clock)
    clock.advance(seconds)

    changes._look()
    changes._look()

    assert messages(told) == [NOT_HEARD] * is_told


def test_who_was_held_tells_so_before_the_next_proof_counts(clock: Clock, told: pytest.LogCaptureFixture) -> None:
    changes = changes_of(clock)
    clock.advance(GOOD_FOR + 1)

    changes._prove(clock() - 1)
    changes._look()

    assert messages(told) == [NOT_HEARD, AGAIN]
    assert "was held" in str(vars(told.records[0])["error"])
    assert vars(told.records[1])["seconds"] == GOOD_FOR


@pytest.mark.parametrize(("age", "is_told"), [(GOOD_FOR - 1e-3, True), (GOOD_FOR, False)])
def test_a_proof_that_came_too_late_is_none_that_all_is_well(
    clock: Clock, told: pytest.LogCaptureFixture, age: float, is_told: bool
) -> None:
    changes = changes_of(clock)
    clock.advance(2 * GOOD_FOR)

    changes._prove(clock() - age)

    assert messages(told) == [NOT_HEARD, AGAIN][: 1 + is_told]


async def test_who_stops_tells_nothing_more(clock: Clock, told: pytest.LogCaptureFixture) -> None:
    changes = changes_of(clock)
    clock.advance(GOOD_FOR)
    await changes.stop()

    changes._look()

    assert messages(told) == []


def test_after_each_proof_it_is_told_anew_and_without_the_reason_of_before(
    clock: Clock, told: pytest.LogCaptureFixture
) -> None:
    hearer = Relying()
    changes = changes_of(clock, hearer=hearer)
    changes._reason = "it was away"

    for _ in range(2):
        clock.advance(GOOD_FOR)
        changes._look()
        changes._prove(clock())

    assert messages(told) == [NOT_HEARD, AGAIN] * 2
    assert ["held" in str(vars(each).get("error")) for each in told.records[::2]] == [False, True]
    assert hearer.proofs == [clock() - GOOD_FOR, clock()]
