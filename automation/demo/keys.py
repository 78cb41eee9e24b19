"""The demo's API keys: for each answer that a key can get, one that gets it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from automation.demo.rules import TENANTS, email, user_id
from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyUserNotFound,
    Unauthenticated,
)
from automation.domain.permissions import ROLE_PERMISSIONS, Role
from automation.service.application import open_database
from automation.service.settings import Settings
from automation.storage.accounts.administration import Administration
from automation.storage.accounts.refusals import Unknown
from automation.storage.keys import KeyDirectory
from security.key_format import DISPLAY_LENGTH, digest_of, generate


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleKey:
    """A key of a user of the demo, and what the service says to it."""

    tenant: str = "acme"
    user: str
    role: Role
    refusal: type[Unauthenticated] | None = None

    @property
    def tenant_id(self) -> UUID:
        """The id of the key's tenant."""
        return TENANTS[self.tenant]

    @property
    def email(self) -> str:
        """The e-mail address of the key's user."""
        return email(self.tenant, self.user)

    @property
    def user_id(self) -> UUID:
        """The id of the key's user."""
        return user_id(self.tenant, self.user)


SAMPLE_KEYS: Mapping[str, SampleKey] = MappingProxyType(
    {
        "reader": SampleKey(user="reader", role=Role.READER),
        "operator": SampleKey(user="operator", role=Role.OPERATOR),
        "no_permission": SampleKey(user="visitor", role=Role.NONE),
        "expired": SampleKey(user="reader", role=Role.READER, refusal=ApiKeyExpired),
        "revoked": SampleKey(user="reader", role=Role.READER, refusal=ApiKeyInvalid),
        "over_limit": SampleKey(user="reader", role=Role.READER, refusal=ApiKeyOverLimit),
        "orphaned": SampleKey(user="departed", role=Role.READER, refusal=ApiKeyUserNotFound),
        "globex_operator": SampleKey(tenant="globex", user="operator", role=Role.OPERATOR),
        "globex_reader": SampleKey(tenant="globex", user="reader", role=Role.READER),
    }
)


def provide(administration: Administration, settings: Settings, former: Mapping[str, object]) -> dict[str, str]:
    """Return all keys by name, in plain text: former ones that still get the answer they are for, new ones otherwise.

    Former keys that are replaced are revoked; keys that somebody else made for the same users are left alone.

    Args:
        administration: Of the database that the settings name, where the demo's tenants are.
        settings: With a real ``database_url``.
        former: What an earlier run wrote down, by name; it may be anything.
    """
    recorded = _recorded(administration, former)
    good = asyncio.run(_good_ones(settings, recorded))
    keys = {name: good.get(name) or _make(administration, settings, name) for name in SAMPLE_KEYS}
    _revoke(administration, {key[:DISPLAY_LENGTH] for key in recorded.values() if key not in keys.values()})
    return keys


def _recorded(administration: Administration, former: Mapping[str, object]) -> dict[str, str]:
    """Return the former keys that the database knows, by their prefixes."""
    prefixes = {key.prefix for tenant in TENANTS.values() for key in administration.list_keys(tenant)}
    texts = {name: str(former.get(name)) for name in SAMPLE_KEYS}
    return {name: text for name, text in texts.items() if text[:DISPLAY_LENGTH] in prefixes}


async def _good_ones(settings: Settings, keys: Mapping[str, str]) -> dict[str, str]:
    async with _directory(settings) as directory:
        return {name: key for name, key in keys.items() if await _is_good(directory, SAMPLE_KEYS[name], key)}


async def _is_good(directory: KeyDirectory, sample: SampleKey, key: str) -> bool:
    try:
        record = await directory.resolve(digest_of(key), None, count=False)
    except Unauthenticated as error:
        return type(error) is sample.refusal
    principal = record.principal
    may_what_it_should = principal.permissions == ROLE_PERMISSIONS[sample.role]
    return sample.refusal is None and principal.user == sample.user_id and may_what_it_should


def _make(administration: Administration, settings: Settings, name: str) -> str:
    """Make a key and bring it to where it gets the answer it is for."""
    sample, made = SAMPLE_KEYS[name], generate()
    tenant, user = sample.tenant_id, sample.user_id
    _provide_user(administration, sample)
    administration.create_key(
        tenant,
        user,
        digest=made.digest,
        prefix=made.prefix,
        expires_at=datetime.now(UTC) - timedelta(hours=1) if sample.refusal is ApiKeyExpired else None,
        usage_limit=1 if sample.refusal is ApiKeyOverLimit else None,
    )
    if sample.refusal is ApiKeyInvalid:
        administration.revoke_key(tenant, made.prefix)
    elif sample.refusal is ApiKeyOverLimit:
        asyncio.run(_use(settings, made.digest))
    elif sample.refusal is ApiKeyUserNotFound:
        administration.delete_user(tenant, user)
    return made.plaintext


def _provide_user(administration: Administration, sample: SampleKey) -> None:
    """Make the key's user, anew where it is not as it was made."""
    try:
        user = administration.find_user(sample.tenant_id, sample.user_id)
    except Unknown:
        pass
    else:
        if user.active and user.roles == (sample.role,):
            return
        administration.delete_user(sample.tenant_id, sample.user_id)
    administration.create_user(sample.tenant_id, sample.email, sample.role, user=sample.user_id)


def _revoke(administration: Administration, prefixes: Collection[str]) -> None:
    for tenant in TENANTS.values():
        for key in administration.list_keys(tenant):
            if key.prefix in prefixes and key.revoked_at is None:
                administration.revoke_key(tenant, key.prefix)


async def _use(settings: Settings, digest: bytes) -> None:
    async with _directory(settings) as directory:
        await directory.resolve(digest, None, count=True)


@asynccontextmanager
async def _directory(settings: Settings) -> AsyncIterator[KeyDirectory]:
    database = open_database(settings.model_copy(update={"pool_min": 1}))
    await database.open()
    try:
        yield KeyDirectory(database)
    finally:
        await database.close()
