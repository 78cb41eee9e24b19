"""Uses of a key count for it alone and never beyond its limit, and it ends at the moment that it says."""

from typing import Any

import psycopg
import pytest

from automation.domain.errors import ApiKeyInvalid, ApiKeyOverLimit
from automation.storage.keys import KeyDirectory
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner
from tests.storage.samples import Sample


def rows(urls: DatabaseUrls, digest: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what is stored of a key, and of all others."""
    with psycopg.connect(urls.admin) as admin:
        found = admin.execute("SELECT digest, to_jsonb(k) FROM api_keys k ORDER BY digest").fetchall()
    (own,) = [row for of, row in found if of == digest]
    return own, [row for of, row in found if of != digest]


@pytest.mark.parametrize(("usage_limit", "counted"), [(3, 1), (None, 0)])
async def test_a_use_counts_for_the_key_alone(
    ours: Sample,
    theirs: Sample,
    keys: KeyDirectory,
    database_urls: DatabaseUrls,
    *,
    usage_limit: int | None,
    counted: int,
) -> None:
    for each in (ours, theirs):
        for limit in (None, 1, 3):
            each.add_key(usage_limit=limit)
    digest = ours.add_key(usage_limit=usage_limit)
    before, others = rows(database_urls, digest)

    await keys.resolve(digest, ours.tenant, count=True)
    await keys.resolve(digest, ours.tenant, count=False)

    after, others_after = rows(database_urls, digest)
    assert others_after == others
    assert after["usage_count"] == before["usage_count"] + counted
    assert (after["last_used_at"] is not None) == (counted == 1)
    assert {name for name in after if after[name] != before[name]} <= {"usage_count", "last_used_at"}


async def test_the_limits_of_another_tenant_and_other_limits_of_its_own_are_not_the_keys(
    ours: Sample, theirs: Sample, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digest, limited, other = ours.add_key(), ours.add_key(requests_per_minute=5), theirs.add_key()
    with psycopg.connect(database_urls.admin) as admin:
        for tenant, name, value in (
            (theirs.tenant, "requests_per_minute", 7),
            (theirs.tenant, "max_rules", 8),
            (ours.tenant, "max_rules", 9),
        ):
            admin.execute("INSERT INTO tenant_limits VALUES (%s, %s, %s)", (tenant, name, value))

    records = [await keys.resolve(each, None, count=True) for each in (digest, limited, other)]

    assert [(record.tenant_requests, record.key_requests) for record in records] == [(None, None), (None, 5), (7, None)]


async def test_a_use_that_waits_for_others_is_refused_where_they_were_the_last(
    runner: Runner, keys: KeyDirectory, database_urls: DatabaseUrls
) -> None:
    digest = runner.sample.add_key(usage_limit=2)
    async with somebody_else(runner) as other:
        await other.execute("UPDATE api_keys SET usage_count = 2 WHERE digest = %s", (digest,))
        use = await waiting(runner, other, keys.resolve(digest, None, count=True))
        await other.commit()

    with pytest.raises(ApiKeyOverLimit):
        await use
    assert rows(database_urls, digest)[0]["usage_count"] == 2


@pytest.mark.parametrize("usage_limit", [None, 3])
def test_a_key_is_expired_from_the_very_moment_on_that_it_says(
    ours: Sample, database_urls: DatabaseUrls, usage_limit: int | None
) -> None:
    digest = ours.add_key(usage_limit=usage_limit)
    outcomes = []
    with psycopg.connect(database_urls.admin) as admin:  # one transaction, in which now() is one moment
        for expires in ("now() + interval '1 microsecond'", "now()", "now() - interval '1 microsecond'"):
            admin.execute(f"UPDATE api_keys SET expires_at = {expires} WHERE digest = %s".encode(), (digest,))
            outcomes += admin.execute("SELECT outcome FROM resolve_api_key_v1(%s, NULL, true)", (digest,)).fetchall()
        admin.rollback()

    assert outcomes == [("accepted",), ("expired",), ("expired",)]


@pytest.mark.parametrize(
    "change",
    [
        "active = false",
        "revoked_at = now()",
        "active = false, revoked_at = now()",
        "revoked_at = now(), expires_at = now()",
        "active = false, usage_count = usage_limit",
    ],
)
async def test_a_key_that_is_switched_off_or_revoked_is_invalid_whatever_else_is_wrong_with_it(
    ours: Sample, theirs: Sample, keys: KeyDirectory, database_urls: DatabaseUrls, change: str
) -> None:
    digest = ours.add_key(usage_limit=1)
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(f"UPDATE api_keys SET {change} WHERE digest = %s".encode(), (digest,))

    with pytest.raises(ApiKeyInvalid):
        await keys.resolve(digest, theirs.tenant, count=True)
