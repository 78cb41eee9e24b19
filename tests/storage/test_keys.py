"""Keys resolve to a principal or are refused, in one order, and their use is written."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyTenantMismatch,
    ApiKeyUserNotFound,
    Unauthenticated,
)
from automation.domain.permissions import ROLE_PERMISSIONS, Role
from automation.storage.accounts.accounts import Key
from automation.storage.accounts.administration import Administration
from automation.storage.keys import KeyDirectory
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample, prefix_of, sample

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def recorded(ours: Sample, digest: bytes) -> Key:
    return next(key for key in ours.administration.list_keys(ours.tenant) if key.prefix == prefix_of(digest))


async def test_a_key_stands_for_its_user_and_tenant(ours: Sample, keys: KeyDirectory) -> None:
    digest = ours.add_key()

    record = await keys.resolve(digest, None, count=True)

    assert (record.principal.tenant, record.principal.user) == (ours.tenant, ours.user)
    assert record.principal.key_prefix == prefix_of(digest)
    assert (record.limited, record.expires_in) == (False, None)


async def test_a_key_that_is_looked_up_alone_after_others_were_not_answered_stands_for_the_same(
    ours: Sample, theirs: Sample, keys: KeyDirectory
) -> None:
    digest = ours.add_key()

    found, others = [
        await keys._look_up_alone((digest, tenant), time.monotonic()) for tenant in (ours.tenant, theirs.tenant)
    ]

    assert found is not None
    assert (found.outcome, found.tenant, found.user_id) == ("accepted", ours.tenant, ours.user)
    assert others is not None
    assert others.outcome != "accepted"


async def test_keys_that_are_looked_up_together_are_not_mixed_up(
    ours: Sample, administration: Administration, keys: KeyDirectory
) -> None:
    theirs = sample(administration, Role.NONE)
    asked = [
        (ours.add_key(), None),
        (secrets.token_bytes(32), None),
        (theirs.add_key(), theirs.tenant),
        (theirs.add_key(), ours.tenant),
        (ours.add_key(expires_at=LONG_AGO), None),
        (ours.add_key(usage_limit=3), ours.tenant),
    ]

    found = await asyncio.gather(
        *(keys.resolve(digest, tenant, count=False) for digest, tenant in asked), return_exceptions=True
    )

    accepted = {place: each for place, each in enumerate(found) if not isinstance(each, BaseException)}
    assert {place: (each.principal.tenant, each.principal.key_prefix) for place, each in accepted.items()} == {
        0: (ours.tenant, prefix_of(asked[0][0])),
        2: (theirs.tenant, prefix_of(asked[2][0])),
        5: (ours.tenant, prefix_of(asked[5][0])),
    }
    assert accepted[0].principal.permissions != accepted[2].principal.permissions == frozenset()
    assert [each.limited for each in accepted.values()] == [False, False, True]
    assert [type(found[place]) for place in (1, 3, 4)] == [ApiKeyInvalid, ApiKeyTenantMismatch, ApiKeyExpired]


@pytest.mark.parametrize("role", Role)
async def test_the_users_role_decides_the_permissions(
    administration: Administration, keys: KeyDirectory, role: Role
) -> None:
    digest = sample(administration, role).add_key()

    record = await keys.resolve(digest, None, count=True)

    assert record.principal.permissions == ROLE_PERMISSIONS[role]


async def test_permissions_of_several_roles_add_up(
    ours: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digest = ours.add_key()
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("INSERT INTO roles VALUES (%s, 'inspector')", (ours.tenant,))
        for permission in ("automation:read", "audit:read"):
            admin.execute("INSERT INTO role_permissions VALUES (%s, 'inspector', %s)", (ours.tenant, permission))
        admin.execute("INSERT INTO user_roles VALUES (%s, %s, 'inspector')", (ours.tenant, ours.user))

    record = await keys.resolve(digest, None, count=True)

    assert record.principal.permissions == {"automation:read", "audit:read"}


async def test_another_tenants_role_of_the_same_name_grants_nothing(
    ours: Sample, theirs: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digests = ours.add_key(), theirs.add_key()
    with psycopg.connect(database_urls.admin) as admin:
        for each, permission in ((ours, "automation:read"), (theirs, "automation:execute")):
            admin.execute("INSERT INTO roles VALUES (%s, 'same')", (each.tenant,))
            admin.execute("INSERT INTO role_permissions VALUES (%s, 'same', %s)", (each.tenant, permission))
            admin.execute("DELETE FROM user_roles WHERE tenant = %s", (each.tenant,))
            admin.execute("INSERT INTO user_roles VALUES (%s, %s, 'same')", (each.tenant, each.user))

    records = [await keys.resolve(digest, None, count=count) for digest in digests for count in (True, False)]

    granted = [record.principal.permissions for record in records]
    assert granted == [{"automation:read"}] * 2 + [{"automation:execute"}] * 2


async def test_the_tenants_own_id_is_accepted(ours: Sample, keys: KeyDirectory) -> None:
    record = await keys.resolve(ours.add_key(), ours.tenant, count=True)

    assert record.principal.tenant == ours.tenant


async def test_the_time_left_is_told_by_the_databases_clock(ours: Sample, keys: KeyDirectory) -> None:
    digest = ours.add_key(expires_at=datetime.now(UTC) + timedelta(hours=1))

    record = await keys.resolve(digest, None, count=True)

    assert record.expires_in == pytest.approx(3600, abs=60)


@dataclass(frozen=True)
class Flaw:
    """Something to refuse a key for."""

    error: type[Unauthenticated]
    introduce: Callable[[Sample, bytes], None] = lambda sample, digest: None
    another_tenant: bool = False
    fields: tuple[tuple[str, object], ...] = ()


def revoke(sample: Sample, digest: bytes) -> None:
    sample.administration.revoke_key(sample.tenant, prefix_of(digest))


def deactivate(sample: Sample, digest: bytes) -> None:
    sample.administration.deactivate_user(sample.tenant, sample.user)


def delete(sample: Sample, digest: bytes) -> None:
    sample.administration.delete_user(sample.tenant, sample.user)


FLAWS = [
    Flaw(ApiKeyInvalid, introduce=revoke),
    Flaw(ApiKeyExpired, fields=(("expires_at", LONG_AGO),)),
    Flaw(ApiKeyUserNotFound, introduce=deactivate),
    Flaw(ApiKeyUserNotFound, introduce=delete),
    Flaw(ApiKeyTenantMismatch, another_tenant=True),
    Flaw(ApiKeyOverLimit, fields=(("usage_limit", 0),)),
]


@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize("first", range(len(FLAWS)))
async def test_of_several_flaws_the_first_in_order_is_told(
    ours: Sample, keys: KeyDirectory, first: int, count: bool
) -> None:
    flaws = [flaw for flaw in FLAWS[first:] if flaw.introduce is not delete or first == FLAWS.index(flaw)]
    digest = ours.add_key(**dict(field for flaw in flaws for field in flaw.fields))
    for flaw in flaws:
        flaw.introduce(ours, digest)
    tenant = uuid4() if any(flaw.another_tenant for flaw in flaws) else None

    with pytest.raises(flaws[0].error):
        await keys.resolve(digest, tenant, count=count)

    assert recorded(ours, digest).usage_count == 0


async def test_an_unknown_key_is_invalid(keys: KeyDirectory) -> None:
    with pytest.raises(ApiKeyInvalid):
        await keys.resolve(secrets.token_bytes(32), None, count=True)


async def test_an_inactive_key_is_invalid(ours: Sample, keys: KeyDirectory, database_urls: DatabaseUrls) -> None:
    digest = ours.add_key()
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute("UPDATE api_keys SET active = false WHERE digest = %s", (digest,))

    with pytest.raises(ApiKeyInvalid):
        await keys.resolve(digest, None, count=True)


async def test_uses_are_counted_up_to_the_limit_and_no_further(ours: Sample, keys: KeyDirectory) -> None:
    digest = ours.add_key(usage_limit=2)

    first = await keys.resolve(digest, None, count=True)
    await keys.resolve(digest, ours.tenant, count=True)
    with pytest.raises(ApiKeyOverLimit):
        await keys.resolve(digest, None, count=True)

    assert first.limited
    assert recorded(ours, digest).usage_count == 2
    assert recorded(ours, digest).last_used_at is not None


async def test_what_is_no_use_is_not_counted(ours: Sample, keys: KeyDirectory) -> None:
    digest = ours.add_key(usage_limit=1)

    await keys.resolve(digest, None, count=False)
    with pytest.raises(ApiKeyTenantMismatch):
        await keys.resolve(digest, uuid4(), count=True)

    assert recorded(ours, digest).usage_count == 0


async def test_a_key_without_a_limit_is_neither_written_nor_locked(
    ours: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digest = ours.add_key()
    row = "SELECT xmin::text, xmax::text, ctid::text FROM api_keys WHERE digest = %s"
    with psycopg.connect(database_urls.owner) as owner, owner.cursor() as cursor:
        before = cursor.execute(row + " FOR UPDATE", (digest,)).fetchone()

        # The row is locked by this transaction: whoever wants to write or lock it would wait.
        record = await keys.resolve(digest, None, count=True)

        owner.rollback()
        after = cursor.execute(row, (digest,)).fetchone()
    assert not record.limited
    assert before is not None
    assert after is not None
    assert (before[0], before[2]) == (after[0], after[2])


async def test_a_use_is_recorded_at_most_once_a_minute(
    ours: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digests = [ours.add_key(), ours.add_key()]
    await keys.touch(digests)
    first = [recorded(ours, digest).last_used_at for digest in digests]

    await keys.touch(digests)
    again = [recorded(ours, digest).last_used_at for digest in digests]
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute("UPDATE api_keys SET last_used_at = %s WHERE digest = %s", (LONG_AGO, digests[0]))
    await keys.touch([*digests, secrets.token_bytes(32)])

    assert None not in first
    assert again == first
    assert recorded(ours, digests[0]).last_used_at != LONG_AGO
    assert recorded(ours, digests[1]).last_used_at == first[1]


async def test_recording_uses_does_not_wait_for_others(
    ours: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    locked, free = ours.add_key(), ours.add_key()
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute("SELECT FROM api_keys WHERE digest = %s FOR UPDATE", (locked,))

        await keys.touch([locked, free])

    assert recorded(ours, locked).last_used_at is None
    assert recorded(ours, free).last_used_at is not None


async def test_no_uses_are_nothing_to_record(keys: KeyDirectory) -> None:
    await keys.touch([])
