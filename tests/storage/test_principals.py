"""Principals described to themselves: nothing of another tenant, user or key, though all of them share their names."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from automation.domain.errors import ApiKeyUserNotFound
from automation.domain.principal import Principal
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from automation.storage.principals import Principals
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample, prefix_of

SAME = "same"


@pytest.fixture
def principals(database: Database) -> Principals:
    return Principals(database)


def principal(sample: Sample, digest: bytes) -> Principal:
    return Principal(sample.tenant, sample.user, frozenset(), prefix_of(digest))


def share_names(urls: DatabaseUrls, ours: Sample, theirs: Sample) -> None:
    """Give our user's id and roles' names to the other tenant as well, and other permissions with them."""
    with psycopg.connect(urls.admin) as admin:
        admin.execute("INSERT INTO users VALUES (%s, %s, 'twin@example.com')", (theirs.tenant, ours.user))
        admin.execute("DELETE FROM user_roles WHERE tenant = %s", (ours.tenant,))
        roles: Sequence[tuple[Sample, str, str]] = [
            (ours, SAME, "automation:read"),
            (theirs, SAME, "automation:execute"),
            (theirs, "more", "audit:read"),
        ]
        for each, role, permission in roles:
            admin.execute("INSERT INTO roles VALUES (%s, %s)", (each.tenant, role))
            admin.execute("INSERT INTO role_permissions VALUES (%s, %s, %s)", (each.tenant, role, permission))
            admin.execute("INSERT INTO user_roles VALUES (%s, %s, %s)", (each.tenant, ours.user, role))


async def test_a_principal_is_told_nothing_of_a_tenant_that_shares_every_name(
    ours: Sample, theirs: Sample, principals: Principals, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    share_names(database_urls, ours, theirs)
    digest, other = ours.add_key(name="one"), ours.add_key(name="other", usage_limit=3)
    names = {tenant.tenant: tenant.name for tenant in ours.administration.list_tenants()}

    described = await principals.describe(principal(ours, digest))
    limited = await principals.describe(principal(ours, other))
    resolved = await keys.resolve(digest, None, count=True)

    assert (described.tenant_name, described.email, described.roles, described.permissions) == (
        names[ours.tenant],
        "reader@example.com",
        [SAME],
        ["automation:read"],
    )
    assert (described.key_name, described.usage_limit, described.usage_count) == ("one", None, 0)
    assert (limited.key_name, limited.usage_limit) == ("other", 3)
    assert resolved.principal.permissions == {"automation:read"}


async def test_a_key_of_another_tenant_is_not_described(ours: Sample, theirs: Sample, principals: Principals) -> None:
    digest = ours.add_key()

    with pytest.raises(ApiKeyUserNotFound):
        await principals.describe(principal(theirs, digest))


async def test_a_user_is_asked_for_by_tenant_and_id(
    ours: Sample, theirs: Sample, principals: Principals, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    share_names(database_urls, ours, theirs)
    digest = ours.add_key()
    with psycopg.connect(database_urls.admin) as admin:
        # One before ours and one behind it, in whichever order a statement meets them.
        row = (ours.tenant, UUID("0" * 32), "a@example.com")
        admin.execute("INSERT INTO users VALUES (%s, %s, %s, false)", row)
        admin.execute("UPDATE users SET active = false WHERE tenant = %s", (theirs.tenant,))
        admin.execute("UPDATE users SET email = 'm@example.com' WHERE tenant = %s AND active", (ours.tenant,))
        row = (ours.tenant, UUID("f" * 32), "z@example.com")
        admin.execute("INSERT INTO users VALUES (%s, %s, %s, false)", row)
        described = admin.execute(
            "SELECT email FROM describe_principal_v1(%s, %s)", (ours.tenant, prefix_of(digest))
        ).fetchall()

    resolved = await keys.resolve(digest, None, count=True)

    assert described == [("m@example.com",)]
    assert resolved.principal.tenant == ours.tenant


async def test_a_user_that_is_inactive_is_refused_though_its_twin_elsewhere_is_active(
    ours: Sample, theirs: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    share_names(database_urls, ours, theirs)
    digest = ours.add_key()
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("UPDATE users SET active = false WHERE tenant = %s", (ours.tenant,))

    with pytest.raises(ApiKeyUserNotFound):
        await keys.resolve(digest, None, count=True)


async def test_another_user_of_the_tenant_changes_nothing(
    ours: Sample, principals: Principals, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digest = ours.add_key()
    resolved = await keys.resolve(digest, None, count=True)
    before = await principals.describe(principal(ours, digest))
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("INSERT INTO users VALUES (%s, gen_random_uuid(), 'second@example.com')", (ours.tenant,))
        admin.execute("INSERT INTO roles VALUES (%s, %s)", (ours.tenant, SAME))
        admin.execute("INSERT INTO role_permissions VALUES (%s, %s, 'audit:read')", (ours.tenant, SAME))
        admin.execute(
            "INSERT INTO user_roles SELECT tenant, user_id, %s FROM users WHERE email = 'second@example.com'"
            " AND tenant = %s",
            (SAME, ours.tenant),
        )

    assert await principals.describe(principal(ours, digest)) == before
    assert (await keys.resolve(digest, None, count=True)).principal == resolved.principal
