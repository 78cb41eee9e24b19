"""The rules of keys, asked of the real directory: what an administrator does to a key holds within a second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyTenantMismatch,
    ApiKeyUserNotFound,
    AutomationError,
    InvalidParameter,
)
from automation.domain.permissions import Role
from automation.domain.principal import Principal
from automation.storage.accounts.accounts import Key
from automation.storage.accounts.administration import Administration
from automation.storage.key_changes import KeyChanges
from automation.storage.keys import KeyDirectory, KeyRecord
from automation.storage.pool.database import Database
from security import key_format
from security.authenticator import Authenticator
from security.freshness import GOOD_FOR, Freshness
from tests.databases import DatabaseUrls
from tests.security.directories import Clock


class Account:
    """A tenant with one user, and a way to make keys of it."""

    def __init__(self, administration: Administration) -> None:
        self.administration = administration
        self.tenant: UUID = administration.create_tenant(f"tenant {uuid4().hex}").tenant
        self.user: UUID = administration.create_user(self.tenant, f"{uuid4().hex}@example.com", Role.READER).user

    def key(self, *, expires_at: datetime | None = None, usage_limit: int | None = None) -> key_format.ApiKey:
        key = key_format.generate()
        self.administration.create_key(
            self.tenant,
            self.user,
            digest=key.digest,
            prefix=key.prefix,
            expires_at=expires_at,
            usage_limit=usage_limit,
        )
        return key

    def stored(self, key: key_format.ApiKey) -> Key:
        return next(each for each in self.administration.list_keys(self.tenant) if each.prefix == key.prefix)


@pytest.fixture
def account(administration: Administration) -> Account:
    return Account(administration)


@pytest.fixture
async def authenticator(database: Database, clock: Clock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(KeyDirectory(database), clock=clock)
    yield authenticator
    await authenticator.stop()


async def test_a_key_becomes_its_user_with_what_the_users_roles_allow(
    account: Account, authenticator: Authenticator
) -> None:
    key = account.key()

    principal = await authenticator.resolve(key.plaintext, str(account.tenant))

    assert principal == Principal(account.tenant, account.user, frozenset({"automation:read"}), key.prefix)


async def test_a_key_that_nobody_has_is_invalid(authenticator: Authenticator) -> None:
    with pytest.raises(ApiKeyInvalid):
        await authenticator.resolve(key_format.generate().plaintext, None)


async def test_a_key_is_the_other_tenants_business_no_more_than_its_own(
    account: Account, authenticator: Authenticator
) -> None:
    with pytest.raises(ApiKeyTenantMismatch):
        await authenticator.resolve(account.key().plaintext, str(uuid4()))


async def revoke(account: Account, key: key_format.ApiKey) -> None:
    await asyncio.to_thread(account.administration.revoke_key, account.tenant, key.prefix)


async def deactivate(account: Account, _key: key_format.ApiKey) -> None:
    await asyncio.to_thread(account.administration.deactivate_user, account.tenant, account.user)


async def delete(account: Account, _key: key_format.ApiKey) -> None:
    await asyncio.to_thread(account.administration.delete_user, account.tenant, account.user)


@pytest.mark.parametrize(
    ("end", "error"), [(revoke, ApiKeyInvalid), (deactivate, ApiKeyUserNotFound), (delete, ApiKeyUserNotFound)]
)
async def test_what_ends_a_key_holds_within_a_second(
    account: Account,
    authenticator: Authenticator,
    clock: Clock,
    end: Callable[[Account, key_format.ApiKey], Awaitable[None]],
    error: type[AutomationError],
) -> None:
    key = account.key()
    await authenticator.resolve(key.plaintext, None)
    await end(account, key)

    clock.advance(1.0)

    with pytest.raises(error):
        await authenticator.resolve(key.plaintext, None)


class CountingDirectory(KeyDirectory):
    """The real directory, which counts what it is asked."""

    look_ups = 0

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        self.look_ups += 1
        return await super().resolve(digest, tenant, count=count)


@pytest.mark.parametrize(
    ("end", "error"), [(revoke, ApiKeyInvalid), (deactivate, ApiKeyUserNotFound), (delete, ApiKeyUserNotFound)]
)
async def test_where_changes_are_heard_of_a_key_is_known_until_it_ends(
    account: Account,
    database: Database,
    database_urls: DatabaseUrls,
    clock: Clock,
    *,
    end: Callable[[Account, key_format.ApiKey], Awaitable[None]],
    error: type[AutomationError],
) -> None:
    key = account.key()
    freshness, directory = Freshness(), CountingDirectory(database)
    authenticator = Authenticator(directory, clock=clock, freshness=freshness)
    changes = KeyChanges(database_urls.api, freshness, good_for=GOOD_FOR, clock=clock)

    async def proved() -> None:
        clock.advance(GOOD_FOR)
        async with asyncio.timeout(30):
            while freshness.watch.proved_until <= clock():  # noqa: ASYNC110 - a watch has no event
                await asyncio.sleep(0.01)

    changes.start()
    try:
        await proved()
        for _ in range(5):
            await authenticator.resolve(key.plaintext, None)
            await proved()
        asked = directory.look_ups
        await end(account, key)
        await proved()

        with pytest.raises(error):
            await authenticator.resolve(key.plaintext, None)
    finally:
        await changes.stop()
        await authenticator.stop()

    assert asked == 1


async def ask_until_expired(authenticator: Authenticator, key: str) -> datetime:
    """Ask again and again, and return when the first request was sent that was refused."""
    while True:
        asked = datetime.now(UTC)
        try:
            await authenticator.resolve(key, None)
        except ApiKeyExpired:
            return asked
        await asyncio.sleep(0.01)


async def test_a_key_expires_on_time_although_it_is_remembered(account: Account, database: Database) -> None:
    authenticator = Authenticator(KeyDirectory(database))
    expires_at = datetime.now(UTC) + timedelta(seconds=0.6)
    key = account.key(expires_at=expires_at)

    refused_at = await ask_until_expired(authenticator, key.plaintext)

    assert abs(refused_at - expires_at) < timedelta(seconds=0.3)


async def test_an_expired_key_is_told_apart_from_an_invalid_one(account: Account, authenticator: Authenticator) -> None:
    key = account.key(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    with pytest.raises(ApiKeyExpired):
        await authenticator.resolve(key.plaintext, "acme")


async def test_a_limit_is_exact_however_many_come_at_once(account: Account, authenticator: Authenticator) -> None:
    key = account.key(usage_limit=7)

    outcomes = await asyncio.gather(
        *(authenticator.resolve(key.plaintext, None) for _ in range(50)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Principal) for outcome in outcomes) == 7
    assert sum(isinstance(outcome, ApiKeyOverLimit) for outcome in outcomes) == 43
    assert account.stored(key).usage_count == 7


async def test_only_what_is_let_in_counts(account: Account, authenticator: Authenticator) -> None:
    key = account.key(usage_limit=1)
    for _ in range(2):
        with pytest.raises(InvalidParameter):
            await authenticator.resolve(key.plaintext, "acme")
        with pytest.raises(ApiKeyTenantMismatch):
            await authenticator.resolve(key.plaintext, str(uuid4()))
    before = account.stored(key).usage_count

    await authenticator.resolve(key.plaintext, str(account.tenant).upper())

    assert (before, account.stored(key).usage_count) == (0, 1)


async def test_a_used_up_key_of_another_tenant_is_another_tenants_first(
    account: Account, authenticator: Authenticator
) -> None:
    key = account.key(usage_limit=1)
    await authenticator.resolve(key.plaintext, None)

    with pytest.raises(ApiKeyOverLimit):
        await authenticator.resolve(key.plaintext, None)
    with pytest.raises(ApiKeyTenantMismatch):
        await authenticator.resolve(key.plaintext, str(uuid4()))
    with pytest.raises(InvalidParameter):
        await authenticator.resolve(key.plaintext, "acme")


async def test_the_use_of_a_key_without_a_limit_is_written_behind(
    account: Account, authenticator: Authenticator
) -> None:
    key = account.key()
    await authenticator.resolve(key.plaintext, None)
    before = account.stored(key)

    await authenticator.stop()

    after = account.stored(key)
    assert before.last_used_at is None
    assert after.last_used_at is not None
    assert after.usage_count == 0
