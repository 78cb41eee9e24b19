"""``automation tenants``, ``users`` and ``keys``: what an operator gives out, and takes back."""

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

import psycopg
import pytest

from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from security.key_format import require_well_formed
from tests.commands.terminal import assert_refused, call, document
from tests.databases import DatabaseUrls

READER = "ada@acme.example"
TENANTS = ("acme", "globex")


@pytest.fixture
def acme(administration: Administration) -> UUID:
    """A tenant, acme, with one user."""
    tenant = administration.create_tenant("acme").tenant
    administration.create_user(tenant, READER, Role.READER)
    return tenant


def stored_keys(urls: DatabaseUrls) -> list[tuple[object, ...]]:
    """Return everything that the database holds about keys."""
    with psycopg.connect(urls.admin) as connection:
        return connection.execute("SELECT digest, api_keys::text FROM api_keys").fetchall()


def test_a_tenant_is_created_and_listed(settings: Mapping[str, str]) -> None:
    created = document("tenants", "create", "Ångström & Söhne", settings=settings)

    assert created["name"] == "Ångström & Söhne"
    assert document("tenants", "list", settings=settings) == [created]


def test_a_user_is_created_and_listed_and_deactivated(settings: Mapping[str, str], acme: UUID) -> None:
    creation = ("users", "create", "--tenant", "acme", "--email", "Bob@Acme.example", "--role", "operator")

    created = document(*creation, settings=settings)
    listed = document("users", "list", "--tenant", str(acme), settings=settings)
    deactivated = document("users", "deactivate", "--tenant", "acme", "--email", created["email"], settings=settings)

    assert created["email"] == "bob@acme.example"
    assert (created["tenant"], created["roles"], created["active"]) == (str(acme), ["operator"], True)
    assert [user["email"] for user in listed] == [READER, "bob@acme.example"]
    assert deactivated == {**created, "active": False}


def test_a_key_is_shown_once_and_only_its_digest_is_stored(
    settings: Mapping[str, str], acme: UUID, database_urls: DatabaseUrls
) -> None:
    made = document("keys", "create", "--tenant", "acme", "--user", READER, settings=settings)

    key = made["key"]
    require_well_formed(key)
    ((digest, everything),) = stored_keys(database_urls)
    assert digest == sha256(key.encode()).digest()
    assert key[len(made["prefix"]) :] not in str(everything)
    for options in ((), ("--json",)):
        assert key not in call("keys", "list", "--tenant", str(acme), *options, settings=settings).output


def test_people_see_the_key_whole(settings: Mapping[str, str], acme: UUID) -> None:
    done = call("keys", "create", "--tenant", str(acme), "--user", READER, settings=settings)

    require_well_formed(next(word for word in done.output.split() if word.startswith("ak_")))


def test_a_key_has_the_limits_that_it_was_given(settings: Mapping[str, str], acme: UUID) -> None:
    limits = ("--expires-at", "2030-01-31T01:30:00.5+02:00", "--usage-limit", "7", "--name", "trial")

    made = document("keys", "create", "--tenant", str(acme), "--user", READER, *limits, settings=settings)

    assert (made["expires_at"], made["usage_limit"], made["usage_count"]) == ("2030-01-30T23:30:00.500000Z", 7, 0)
    assert made["name"] == "trial"


def test_keys_of_one_user_can_be_listed(
    settings: Mapping[str, str], administration: Administration, acme: UUID
) -> None:
    administration.create_user(acme, "bob@acme.example", Role.NONE)
    made = document("keys", "create", "--tenant", "acme", "--user", "bob@acme.example", settings=settings)
    document("keys", "create", "--tenant", "acme", "--user", READER, settings=settings)

    listed = document("keys", "list", "--tenant", "acme", "--user", made["user"], settings=settings)

    assert [key["prefix"] for key in listed] == [made["prefix"]]
    assert len(document("keys", "list", settings=settings)) == 2


def test_people_see_whose_each_key_is(settings: Mapping[str, str], administration: Administration, acme: UUID) -> None:
    globex = administration.create_tenant("globex").tenant
    administration.create_user(globex, READER, Role.READER)
    made = [document("keys", "create", "--tenant", name, "--user", READER, settings=settings) for name in TENANTS]

    lines = call("keys", "list", settings=settings).output.splitlines()

    for key, tenant in zip(made, (acme, globex), strict=True):
        assert [line.split()[1] for line in lines if line.startswith(key["prefix"])] == [str(tenant)]


@pytest.mark.parametrize("name", ["prefix", "key"])
def test_a_key_is_revoked_by_its_prefix_or_by_itself(settings: Mapping[str, str], acme: UUID, name: str) -> None:
    made = document("keys", "create", "--tenant", str(acme), "--user", READER, settings=settings)

    revoked = document("keys", "revoke", made[name], settings=settings)

    assert revoked["active"] is False
    assert revoked["revoked_at"] is not None
    assert document("keys", "revoke", made["prefix"], "--tenant", "acme", settings=settings) == revoked


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("tenants", "create", "acme"), "name"),
        (("tenants", "create", "cd812325-1a37-5e39-861b-5cc42823026d"), "id"),
        (("users", "list", "--tenant", "globex"), "globex"),
        (("users", "create", "--tenant", "acme", "--email", READER, "--role", "none"), "already"),
        (("users", "deactivate", "--tenant", "acme", "--email", "bob@acme.example"), "bob@acme.example"),
        (("keys", "create", "--tenant", "globex", "--user", READER), "globex"),
        (("keys", "create", "--tenant", "acme", "--user", "bob@acme.example"), "bob@acme.example"),
        (("keys", "list", "--user", READER), "--tenant"),
        (("keys", "revoke", "ak_00000000"), "ak_00000000"),
        (("keys", "revoke", "--tenant", "acme", "ak_00000000"), "ak_00000000"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_not_there_or_there_already_is_told_in_one_line(
    settings: Mapping[str, str], acme: UUID, arguments: tuple[str, ...], named: str
) -> None:
    assert acme
    assert_refused(call(*arguments, settings=settings), named)
