"""For how long a resolved key is remembered, and how look-ups of one key at the same time share one."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import (
    ApiKeyInvalid,
    ApiKeyTenantMismatch,
    Unavailable,
)
from automation.domain.principal import Principal
from automation.storage.keys import KeyRecord
from security.authenticator import Authenticator
from security.key_cache import KeyCache
from tests.security.directories import Clock, MemoryDirectory
from tests.turns import TurnLoop


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_principal_is_remembered_for_less_than_a_second(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
) -> None:
    key = directory.add().key.plaintext
    await authenticator.resolve(key, None)

    clock.advance(0.899)
    await authenticator.resolve(key, None)

    assert len(directory.lookups) == 1


async def test_after_a_second_the_directory_is_asked_again(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
) -> None:
    key = directory.add().key.plaintext
    await authenticator.resolve(key, None)

    clock.advance(1.0)
    await authenticator.resolve(key, None)

    assert len(directory.lookups) == 2


async def test_a_revoked_key_stops_working_within_a_second(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
) -> None:
    stored = directory.add()
    await authenticator.resolve(stored.key.plaintext, None)
    stored.revoked = True

    clock.advance(1.0)

    with pytest.raises(ApiKeyInvalid):
        await authenticator.resolve(stored.key.plaintext, None)


async def test_the_second_counts_from_before_the_look_up_was_sent(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
) -> None:
    key = directory.add().key.plaintext
    directory.open.clear()
    first = asyncio.create_task(authenticator.resolve(key, None))
    await let_others_run()
    clock.advance(0.9)
    directory.open.set()
    await first

    clock.advance(0.1)
    await authenticator.resolve(key, None)

    assert len(directory.lookups) == 2


async def test_refusals_are_not_remembered(directory: MemoryDirectory, authenticator: Authenticator) -> None:
    stored = directory.add()
    stored.revoked = True
    with pytest.raises(ApiKeyInvalid):
        await authenticator.resolve(stored.key.plaintext, None)

    stored.revoked = False

    assert await authenticator.resolve(stored.key.plaintext, None) == stored.principal


async def test_at_most_so_many_keys_are_remembered_and_the_oldest_go_first(
    directory: MemoryDirectory, clock: Clock
) -> None:
    authenticator = Authenticator(directory, clock=clock, capacity=2)
    oldest, middle, newest = (directory.add().key for _ in range(3))
    for key in (oldest, middle, newest):
        await authenticator.resolve(key.plaintext, None)
    directory.lookups.clear()

    for key in (middle, newest, oldest):
        await authenticator.resolve(key.plaintext, None)

    assert directory.lookups == [oldest.digest]


async def test_a_key_that_was_looked_up_again_outlives_one_that_was_not(
    directory: MemoryDirectory, clock: Clock
) -> None:
    authenticator = Authenticator(directory, clock=clock, capacity=2)
    hot, cold, new = (directory.add().key for _ in range(3))
    await authenticator.resolve(hot.plaintext, None)
    clock.advance(0.5)
    await authenticator.resolve(cold.plaintext, None)
    clock.advance(0.5)
    await authenticator.resolve(hot.plaintext, None)
    await authenticator.resolve(new.plaintext, None)
    directory.lookups.clear()

    await authenticator.resolve(hot.plaintext, None)

    assert directory.lookups == []


async def test_no_plaintext_key_is_kept(directory: MemoryDirectory, authenticator: Authenticator) -> None:
    key = directory.add().key.plaintext

    await authenticator.resolve(key, None)

    assert key not in repr(vars(authenticator._cache))


class TestLookUpsAtTheSameTime:
    async def test_share_one_flight(self, directory: MemoryDirectory, authenticator: Authenticator) -> None:
        stored = directory.add()

        found = await asyncio.gather(*(authenticator.resolve(stored.key.plaintext, None) for _ in range(50)))

        assert set(found) == {stored.principal}
        assert len(directory.lookups) == 1

    async def test_fail_together_and_the_failure_is_not_remembered(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add()
        directory.failure = Unavailable()

        outcomes = await asyncio.gather(
            *(authenticator.resolve(stored.key.plaintext, None) for _ in range(3)), return_exceptions=True
        )
        directory.failure = None

        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
        assert len(directory.lookups) == 1
        assert await authenticator.resolve(stored.key.plaintext, None) == stored.principal

    async def test_survive_the_cancellation_of_the_first(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add()
        directory.open.clear()
        first, second = (asyncio.create_task(authenticator.resolve(stored.key.plaintext, None)) for _ in range(2))
        await let_others_run()

        first.cancel()
        await let_others_run()
        directory.open.set()

        assert await second == stored.principal
        assert first.cancelled()
        assert len(directory.lookups) == 1

    async def test_may_all_be_given_up(self, directory: MemoryDirectory, authenticator: Authenticator) -> None:
        stored = directory.add()
        directory.open.clear()
        directory.failure = Unavailable()
        only = asyncio.create_task(authenticator.resolve(stored.key.plaintext, None))
        await let_others_run()

        only.cancel()
        await let_others_run()
        directory.open.set()
        await let_others_run()
        directory.failure = None

        assert await authenticator.resolve(stored.key.plaintext, None) == stored.principal

    async def test_do_not_take_an_answer_to_a_question_of_more_than_a_second_ago(
        self, directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
    ) -> None:
        stored = directory.add()
        directory.open.clear()
        early = asyncio.create_task(authenticator.resolve(stored.key.plaintext, None))
        await let_others_run()
        clock.advance(1.0)
        late = asyncio.create_task(authenticator.resolve(stored.key.plaintext, None))
        await let_others_run()
        sharing = asyncio.create_task(authenticator.resolve(stored.key.plaintext, None))
        await let_others_run()

        directory.open.set()
        await asyncio.gather(early, late, sharing)

        assert len(directory.lookups) == 2

    async def test_are_judged_by_their_own_tenant_header(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add()
        key, tenant = stored.key.plaintext, str(stored.principal.tenant)

        outcomes = await asyncio.gather(
            authenticator.resolve(key, str(uuid4())), authenticator.resolve(key, tenant), return_exceptions=True
        )

        assert isinstance(outcomes[0], ApiKeyTenantMismatch)
        assert outcomes[1] == stored.principal


class LateDirectory(MemoryDirectory):
    """Answers the first look-up a second after it was sent, and lets another request ask in that very turn."""

    def __init__(self, clock: Clock, answered: asyncio.Event) -> None:
        super().__init__(clock)
        self.answered = answered

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        if not self.lookups:
            await self.open.wait()
            self.clock.advance(1.0)
            self.answered.set()  # whoever waits for it runs in the next turn, before this task's own callbacks
        return await super().resolve(digest, tenant, count=count)


class TestALookUpThatHasJustEnded:
    @pytest.fixture
    def loop(self) -> Iterator[TurnLoop]:
        loop = TurnLoop()
        yield loop
        loop.discard()

    def test_is_not_found_again_by_a_request_for_which_its_answer_is_too_old(
        self, loop: TurnLoop, clock: Clock
    ) -> None:
        answered = asyncio.Event()
        directory = LateDirectory(clock, answered)
        directory.open.clear()
        stored = directory.add()
        keys = KeyCache(directory, clock)

        async def ask_late() -> Principal | None:
            await answered.wait()
            accepted = await keys.look_up(stored.key.digest, clock())
            return None if accepted is None else accepted.principal

        first = loop.begin(keys.look_up(stored.key.digest, clock()))
        second = loop.begin(ask_late())
        loop.turn(3)
        directory.open.set()
        loop.turn()  # the flight ends
        loop.turn()  # the second look-up begins
        loop.turn(2)

        assert first.done()
        assert second.done()
        assert second.result() == stored.principal
        assert len(directory.lookups) == 2


async def test_who_stops_waits_for_what_is_being_looked_up(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add().key.plaintext
    directory.open.clear()
    asking = asyncio.create_task(authenticator.resolve(key, None))
    await let_others_run()
    asking.cancel()
    stopping = asyncio.create_task(authenticator.stop())
    await let_others_run()
    before = stopping.done()
    directory.open.set()

    await stopping
    assert not before
