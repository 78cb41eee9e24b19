"""Bulk operations that are still allowed: by who asked for them, by the key and by the permission of what is done."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from automation.domain.bulk_operations import BulkAction, BulkOrder
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import Total
from automation.domain.permissions import Role
from automation.domain.principal import Principal
from automation.storage.bulk_operations import BulkOperations
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample, prefix_of

CANCEL, DELETE = BulkAction.CANCEL, BulkAction.DELETE
NEXT = "SELECT bulk_operation_id, allowed FROM next_bulk_operation_v1()"
ORDER = "UPDATE automation_bulk_operations SET {} WHERE bulk_operation_id = %s"
PERMISSION = "DELETE FROM role_permissions WHERE tenant = %(tenant)s AND permission = 'automation:{}'"

SHARED = (
    "INSERT INTO {0} SELECT (jsonb_populate_record(ours, %(same)s)).* FROM {0} ours"
    " WHERE tenant = %(ours)s AND user_id = %(user)s"
)

# What is done, what has changed meanwhile, and whether it may go on.
ALLOWED: dict[str, tuple[BulkAction, str, bool]] = {
    "nothing has changed": (CANCEL, "SELECT 1", True),
    "nor for a deletion": (DELETE, "SELECT 1", True),
    "the user is inactive": (CANCEL, "UPDATE users SET active = false WHERE tenant = %(tenant)s", False),
    "the key is": (CANCEL, "UPDATE api_keys SET active = false WHERE tenant = %(tenant)s", False),
    "the key is another one": (CANCEL, "UPDATE api_keys SET prefix = 'ak_other' WHERE tenant = %(tenant)s", False),
    "the user has no role": (CANCEL, "DELETE FROM user_roles WHERE tenant = %(tenant)s", False),
    "the user has another role": (CANCEL, "UPDATE user_roles SET role = 'reader' WHERE tenant = %(tenant)s", False),
    "the permission is gone": (CANCEL, PERMISSION.format("execute"), False),
    "that of deletions is": (CANCEL, PERMISSION.format("delete"), True),
    "it is one": (DELETE, PERMISSION.format("delete"), False),
    "that of executions is gone": (DELETE, PERMISSION.format("execute"), True),
}


@pytest.fixture
def admin(database_urls: DatabaseUrls) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    """A transaction in which no operation is left of other tests, and of which nothing stays."""
    with psycopg.connect(database_urls.admin, row_factory=dict_row) as connection:
        connection.execute("DELETE FROM automation_bulk_refusals")
        connection.execute("DELETE FROM automation_bulk_operations")
        connection.commit()
        yield connection
        connection.rollback()


async def begun(database: Database, sample: Sample, action: BulkAction = CANCEL) -> UUID:
    """Begin an operation of the sample's user, with a key of his."""
    asking = Principal(sample.tenant, sample.user, frozenset(), prefix_of(sample.add_key()))
    total = Total(5, exact=True)
    order = BulkOrder(action=action)
    return (await BulkOperations(database).begin(asking, order, ExecutionFilter(), total, "")).bulk_operation_id


@pytest.mark.parametrize("name", ALLOWED)
async def test_one_goes_on_while_who_asked_for_it_may_do_it(
    ours: Sample, database: Database, admin: "psycopg.Connection[dict[str, Any]]", name: str
) -> None:
    action, change, allowed = ALLOWED[name]
    operation = await begun(database, ours, action)
    admin.execute("UPDATE user_roles SET role = %s WHERE tenant = %s", (Role.OPERATOR, ours.tenant))

    admin.execute(change.encode(), {"tenant": ours.tenant})

    assert admin.execute(NEXT).fetchall() == [{"bulk_operation_id": operation, "allowed": allowed}]


@pytest.mark.parametrize("over", ["completed", "failed"])
async def test_what_is_over_is_nobodys_turn(
    ours: Sample, database: Database, admin: "psycopg.Connection[dict[str, Any]]", over: str
) -> None:
    operation = await begun(database, ours)
    ended = "status = '{}', completed_at = now(), started_at = now(), failure = {}"
    failure = "'expired'" if over == "failed" else "NULL"

    admin.execute(ORDER.format(ended.format(over, failure)).encode(), (operation,))

    assert admin.execute(NEXT).fetchall() == []


async def test_turns_go_by_tenants_and_then_by_what_waited_longest(
    ours: Sample, theirs: Sample, database: Database, admin: "psycopg.Connection[dict[str, Any]]"
) -> None:
    one, two = [await begun(database, ours) for _ in range(2)]
    three = await begun(database, theirs)
    turns: list[UUID] = []
    for worked_at in (None, "10 s", "9 s", "8 s", "7 s"):
        if worked_at is not None:
            passed = ORDER.format(f"worked_at = now() - interval '{worked_at}'")
            admin.execute(passed.encode(), (turns[-1],))
        turns += [row["bulk_operation_id"] for row in admin.execute(NEXT).fetchall()]

    assert turns == [one, three, two, three, one]


@pytest.mark.parametrize("whose", ["another tenant's", "another user's"])
@pytest.mark.parametrize("gone", ["users SET active = false", "user_roles SET role = 'reader'"])
async def test_what_others_may_do_allows_nothing(
    ours: Sample,
    theirs: Sample,
    database: Database,
    admin: "psycopg.Connection[dict[str, Any]]",
    *,
    whose: str,
    gone: str,
) -> None:
    operation = await begun(database, ours)
    admin.execute("UPDATE user_roles SET role = %s WHERE tenant = %s", (Role.OPERATOR, ours.tenant))
    other = {"tenant": str(theirs.tenant)} if whose == "another tenant's" else {"user_id": str(uuid4())}
    for table, of_user in (("users", {"email": "another@example.com"}), ("user_roles", {})):
        same = {"same": Jsonb(other | of_user), "ours": ours.tenant, "user": ours.user}
        admin.execute(SHARED.format(table).encode(), same)
    before = admin.execute(NEXT).fetchall()

    admin.execute(f"UPDATE {gone} WHERE tenant = %s AND user_id = %s".encode(), (ours.tenant, ours.user))

    assert before == [{"bulk_operation_id": operation, "allowed": True}]
    assert admin.execute(NEXT).fetchall() == [{"bulk_operation_id": operation, "allowed": False}]


async def test_a_key_of_another_tenant_allows_nothing(
    ours: Sample, theirs: Sample, database: Database, admin: "psycopg.Connection[dict[str, Any]]"
) -> None:
    operation = await begun(database, ours)
    admin.execute("UPDATE user_roles SET role = %s WHERE tenant = %s", (Role.OPERATOR, ours.tenant))

    admin.execute(ORDER.format("key_prefix = %s").encode(), (prefix_of(theirs.add_key()), operation))

    assert admin.execute(NEXT).fetchall() == [{"bulk_operation_id": operation, "allowed": False}]
