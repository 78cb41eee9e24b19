"""Things that an administrator makes are found again, and what cannot be made is refused in one line."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionStatus
from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from automation.storage.accounts.refusals import (
    AdministrationError,
    Duplicate,
    NotMigrated,
    NotOwner,
    Unacceptable,
    Unknown,
)
from tests.databases import Cluster, DatabaseUrls
from tests.storage.samples import CREATED_AT, Sample, a_rule, an_execution, prefix_of
from tests.storage.stored_executions import add_execution


def test_a_tenant_is_found_by_its_id_and_its_name(administration: Administration) -> None:
    tenant = administration.create_tenant("Acme, Inc.")

    assert administration.find_tenant(tenant.tenant) == tenant
    assert administration.find_tenant(str(tenant.tenant).upper()) == tenant
    assert administration.find_tenant("Acme, Inc.") == tenant


def test_tenants_are_listed_by_name(administration: Administration) -> None:
    made = [administration.create_tenant(name) for name in ("listed b", "listed a")]

    listed = [tenant for tenant in administration.list_tenants() if tenant.name.startswith("listed ")]

    assert listed == made[::-1]


def test_a_user_is_found_by_its_id_and_its_email_in_any_case(ours: Sample, administration: Administration) -> None:
    user = administration.create_user(ours.tenant, " Ada.Lovelace@Example.COM ", Role.OPERATOR)

    assert (user.email, user.active, user.roles) == ("ada.lovelace@example.com", True, ("operator",))
    assert administration.find_user(ours.tenant, user.user) == user
    assert administration.find_user(ours.tenant, "ADA.lovelace@example.com") == user


def test_two_tenants_may_have_a_user_of_the_same_address(ours: Sample, theirs: Sample) -> None:
    ours.administration.create_user(ours.tenant, "same@example.com", Role.READER)
    ours.administration.create_user(theirs.tenant, "same@example.com", Role.READER)

    assert [user.email for user in ours.administration.list_users(ours.tenant)] == [
        "reader@example.com",
        "same@example.com",
    ]


def test_a_deactivated_user_is_listed_as_inactive(ours: Sample) -> None:
    deactivated = ours.administration.deactivate_user(ours.tenant, "reader@example.com")

    assert not deactivated.active
    assert ours.administration.list_users(ours.tenant) == [deactivated]


def test_the_key_of_a_deleted_user_stays_without_an_address(ours: Sample) -> None:
    digest = ours.add_key()

    ours.administration.delete_user(ours.tenant, ours.user)

    [key] = ours.administration.list_keys(ours.tenant)
    assert (key.prefix, key.user, key.email) == (prefix_of(digest), ours.user, None)


def test_keys_are_listed_with_their_users_oldest_first(ours: Sample) -> None:
    digests = [ours.add_key(), ours.add_key(usage_limit=3)]

    listed = ours.administration.list_keys(ours.tenant)

    assert [(key.prefix, key.email, key.usage_limit) for key in listed] == [
        (prefix_of(digests[0]), "reader@example.com", None),
        (prefix_of(digests[1]), "reader@example.com", 3),
    ]


def test_revoking_a_key_again_keeps_its_time(ours: Sample) -> None:
    digest = ours.add_key()

    first = ours.administration.revoke_key(ours.tenant, prefix_of(digest))
    second = ours.administration.revoke_key(ours.tenant, prefix_of(digest))

    assert first.revoked_at is not None
    assert not first.active
    assert second == first


def test_another_tenants_key_cannot_be_revoked(ours: Sample, theirs: Sample) -> None:
    digest = theirs.add_key()

    with pytest.raises(Unknown):
        ours.administration.revoke_key(ours.tenant, prefix_of(digest))

    [key] = ours.administration.list_keys(theirs.tenant)
    assert key.active


DIGEST = secrets.token_bytes(32)

Command = Callable[[Administration, Sample], object]

REFUSED: dict[str, tuple[type[AdministrationError], Command]] = {
    "unknown tenant by name": (Unknown, lambda a, s: a.list_users("nobody")),
    "unknown tenant by id": (Unknown, lambda a, s: a.list_keys(uuid4())),
    "unknown user by email": (Unknown, lambda a, s: a.deactivate_user(s.tenant, "nobody@example.com")),
    "unknown user by id": (Unknown, lambda a, s: a.delete_user(s.tenant, uuid4())),
    "unknown key": (Unknown, lambda a, s: a.revoke_key(s.tenant, "ak_nothing")),
    "unknown rule": (Unknown, lambda a, s: add_execution(a, an_execution(a_rule(s.tenant)))),
    "tenant's name taken": (Duplicate, lambda a, s: a.create_tenant(a.find_tenant(s.tenant).name)),
    "tenant's id taken": (Duplicate, lambda a, s: a.create_tenant("another", tenant=s.tenant)),
    "email taken": (Duplicate, lambda a, s: a.create_user(s.tenant, "READER@example.com", Role.NONE)),
    "user's id taken": (Duplicate, lambda a, s: a.create_user(s.tenant, "x@example.com", Role.NONE, user=s.user)),
    "key taken": (Duplicate, lambda a, s: [s.key(DIGEST), s.key(DIGEST)]),
    "name like an id": (Unacceptable, lambda a, s: a.create_tenant(str(uuid4()))),
    "empty name": (Unacceptable, lambda a, s: a.create_tenant("")),
    "long name": (Unacceptable, lambda a, s: a.create_tenant("x" * 201)),
    "NUL in a name": (Unacceptable, lambda a, s: a.create_tenant("a\x00b")),
    "email without a domain": (Unacceptable, lambda a, s: a.create_user(s.tenant, "ada@", Role.NONE)),
    "email with a space": (Unacceptable, lambda a, s: a.create_user(s.tenant, "a da@example.com", Role.NONE)),
    "negative limit": (Unacceptable, lambda a, s: s.add_key(usage_limit=-1)),
    "huge limit": (Unacceptable, lambda a, s: s.add_key(usage_limit=2**63)),
    "naive expiry": (Unacceptable, lambda a, s: s.add_key(expires_at=datetime(2030, 1, 1))),  # noqa: DTZ001
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_in_one_line(ours: Sample, administration: Administration, case: str) -> None:
    error, command = REFUSED[case]

    with pytest.raises(error) as refusal:
        command(administration, ours)

    assert str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_another_role_than_the_owner_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(NotOwner):
        Administration(database_urls.api).list_tenants()


def test_a_database_without_tables_says_what_to_run(cluster: Cluster) -> None:
    with cluster.database(migrated=False) as urls, pytest.raises(NotMigrated, match="automation db upgrade"):
        Administration(urls.owner).list_tenants()


@pytest.mark.parametrize(
    "url", ["postgresql://nobody:secret@127.0.0.1:1/nothing", "postgresql://se cret@/x", "postgresql:///x?secret=1"]
)
def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable) as error:
        Administration(url).list_tenants()

    assert "\n" not in error.value.detail
    assert "cret" not in error.value.detail


def test_a_rule_that_is_there_already_leaves_no_line_in_the_audit_log(
    ours: Sample, database_urls: DatabaseUrls
) -> None:
    ours.administration.add_rule(ours.rule)

    with psycopg.connect(database_urls.admin) as admin:
        added = admin.execute(
            "SELECT resource_id FROM audit_events WHERE tenant = %s AND action = 'addRule'", (ours.tenant,)
        ).fetchall()
    assert added == [(str(ours.rule.rule_id),)]


def test_whose_data_it_was_is_forgotten_with_a_commands_transaction(
    ours: Sample, administration: Administration
) -> None:
    assert administration.list_users(ours.tenant)

    with administration._engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT current_setting('app.tenant', true)").scalar_one()

    assert not left


def test_unfinished_executions_are_those_of_one_rule_the_oldest_first(ours: Sample, theirs: Sample) -> None:
    other = a_rule(ours.tenant)
    ours.administration.add_rule(other)
    add_execution(ours.administration, an_execution(other))
    for status in ExecutionStatus:
        ours.add_execution(status=status, created_at=CREATED_AT - timedelta(hours=1))

    found = ours.administration.unfinished_executions(ours.tenant, ours.rule.rule_id)

    assert len(found) == 3
    assert found[-1] == ours.execution.execution_id
    assert found[:2] == sorted(found[:2])
    assert ours.administration.unfinished_executions(theirs.tenant, ours.rule.rule_id) == []
