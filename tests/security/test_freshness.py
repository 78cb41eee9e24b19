"""For how long a key is remembered where changes are heard of: while it is proved that none was missed."""

from uuid import UUID, uuid4

import pytest

from automation.domain.errors import ApiKeyExpired, ApiKeyInvalid
from security.authenticator import Authenticator
from security.freshness import PLACES, Freshness, place_of
from security.key_cache import LONGEST
from tests.security.directories import Clock, MemoryDirectory, StoredKey

PROOF = 0.25


class Listener:
    """What hears of changes, in the test's hands: it sends and hears when it is told to."""

    def __init__(self, freshness: Freshness, clock: Clock) -> None:
        self.freshness = freshness
        self.clock = clock
        freshness.begin()
        self.prove()

    def prove(self) -> None:
        """Hear at once what is sent now."""
        self.freshness.proved(self.clock())

    def go_on(self, seconds: float) -> None:
        """Let time pass, with a proof again and again."""
        for _ in range(int(seconds / PROOF)):
            self.clock.advance(PROOF)
            self.prove()


@pytest.fixture
def freshness() -> Freshness:
    return Freshness()


@pytest.fixture
def listener(freshness: Freshness, clock: Clock) -> Listener:
    return Listener(freshness, clock)


@pytest.fixture
def authenticator(directory: MemoryDirectory, clock: Clock, freshness: Freshness) -> Authenticator:
    return Authenticator(directory, clock=clock, freshness=freshness)


@pytest.fixture
async def known(directory: MemoryDirectory, authenticator: Authenticator, listener: Listener) -> StoredKey:
    """A key that was looked up while changes are heard of."""
    stored = directory.add()
    await authenticator.resolve(stored.key.plaintext, None)
    return stored


async def look_ups(directory: MemoryDirectory, authenticator: Authenticator, stored: StoredKey) -> int:
    """Ask with a key, and return how often it was looked up for that."""
    before = len(directory.lookups)
    await authenticator.resolve(stored.key.plaintext, None)
    return len(directory.lookups) - before


async def test_a_key_is_remembered_while_proofs_come(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, listener: Listener
) -> None:
    listener.go_on(60)

    assert await look_ups(directory, authenticator, known) == 0


@pytest.mark.parametrize(("since", "asked"), [(0.899, 0), (0.9, 1)])
async def test_it_is_remembered_until_a_proof_was_sent_too_long_ago(
    directory: MemoryDirectory,
    authenticator: Authenticator,
    known: StoredKey,
    listener: Listener,
    clock: Clock,
    *,
    since: float,
    asked: int,
) -> None:
    listener.go_on(60)

    clock.advance(since)

    assert await look_ups(directory, authenticator, known) == asked


async def test_the_sending_of_a_proof_counts_and_not_its_arrival(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, freshness: Freshness, clock: Clock
) -> None:
    clock.advance(10)
    sent = clock()
    clock.advance(0.8)
    freshness.proved(sent)

    assert await look_ups(directory, authenticator, known) == 0
    clock.advance(0.1)
    assert await look_ups(directory, authenticator, known) == 1


@pytest.mark.parametrize("whose", ["user", "tenant", "everybody"])
async def test_it_is_forgotten_when_its_change_arrives(
    authenticator: Authenticator, known: StoredKey, listener: Listener, whose: str
) -> None:
    subject: UUID | None = None if whose == "everybody" else getattr(known.principal, whose)
    known.revoked = True

    listener.freshness.changed(subject)

    with pytest.raises(ApiKeyInvalid):
        await authenticator.resolve(known.key.plaintext, None)


async def test_after_its_change_it_is_looked_up_once(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, listener: Listener
) -> None:
    listener.freshness.changed(known.principal.user)

    asked = [await look_ups(directory, authenticator, known) for _ in range(2)]

    listener.go_on(60)
    assert [*asked, await look_ups(directory, authenticator, known)] == [1, 0, 0]


async def test_others_changes_are_not_its_own(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, listener: Listener
) -> None:
    taken = {place_of(known.principal.user), place_of(known.principal.tenant)}
    others = (subject for subject in iter(uuid4, None) if place_of(subject) not in taken)
    for _ in range(PLACES):
        listener.freshness.changed(next(others))

    listener.go_on(60)

    assert await look_ups(directory, authenticator, known) == 0


async def test_what_was_looked_up_before_a_gap_is_not_proved_by_what_comes_after_it(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, listener: Listener
) -> None:
    listener.freshness.begin()

    listener.go_on(60)

    assert await look_ups(directory, authenticator, known) == 1
    listener.go_on(60)
    assert await look_ups(directory, authenticator, known) == 0


async def test_where_nothing_is_ever_proved_a_key_is_looked_up_each_second(
    directory: MemoryDirectory, authenticator: Authenticator, freshness: Freshness, clock: Clock
) -> None:
    stored = directory.add()
    freshness.begin()
    await authenticator.resolve(stored.key.plaintext, None)

    clock.advance(0.9)

    assert await look_ups(directory, authenticator, stored) == 1


async def test_it_expires_on_time_however_well_it_is_known(
    directory: MemoryDirectory, authenticator: Authenticator, listener: Listener, clock: Clock
) -> None:
    stored = directory.add(expires_at=clock() + 60)
    await authenticator.resolve(stored.key.plaintext, None)

    listener.go_on(59.75)
    assert await look_ups(directory, authenticator, stored) == 0
    listener.go_on(0.25)

    with pytest.raises(ApiKeyExpired):
        await authenticator.resolve(stored.key.plaintext, None)


async def test_a_limited_key_is_never_remembered(
    directory: MemoryDirectory, authenticator: Authenticator, listener: Listener
) -> None:
    stored = directory.add(usage_limit=100)

    asked = [await look_ups(directory, authenticator, stored) for _ in range(3)]

    assert asked == [2, 1, 1]
    assert stored.usage_count == 3


async def test_it_is_looked_up_once_in_a_while_whatever_is_proved(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, listener: Listener
) -> None:
    listener.go_on(LONGEST)

    assert await look_ups(directory, authenticator, known) == 1


async def test_its_use_is_noted_again_and_again_though_it_is_not_looked_up(
    directory: MemoryDirectory, authenticator: Authenticator, known: StoredKey, listener: Listener
) -> None:
    await authenticator._usage.flush()
    for _ in range(4):
        listener.go_on(30)
        await authenticator.resolve(known.key.plaintext, None)
        await authenticator._usage.flush()

    assert directory.touched == [(known.key.digest,)] * 3
    assert len(directory.lookups) == 1
