"""Reads and writes automation rules, and keeps every version of them."""

from collections.abc import Collection
from datetime import UTC
from typing import Any
from uuid import UUID, uuid4

from automation.domain.errors import PreconditionFailed, RuleDeleted, RuleInUse, RuleNotFound
from automation.domain.rules import Rule, RuleContent
from automation.storage import rule_content
from automation.storage.pool.database import Database, Transaction
from automation.storage.pool.encoding import decoded, encoded, storable

_JSON = ("trigger_config", "conditions", "actions")

_GET = b"""
SELECT rule_id, tenant, version, created_by, created_at, updated_at, status_reason, deleted_at, content
FROM get_rule_v1(%s, %s)
"""
_INSERT = b"""
INSERT INTO automation_rules (
    tenant, rule_id, version, created_by, name, description, status, trigger_type, trigger_config, conditions,
    condition_logic, actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy)
VALUES (%s, %s, 1, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s::jsonb, %s, %s, %s)
"""
# Other changes and claims wait for this one; executions can be created meanwhile.
_LOCK = b"SELECT version, deleted_at FROM automation_rules WHERE tenant = %s AND rule_id = %s FOR NO KEY UPDATE"
_UPDATE = b"""
UPDATE automation_rules SET
    version = version + 1, updated_at = now(), status_reason = NULL, name = %s, description = %s, status = %s,
    trigger_type = %s, trigger_config = %s::jsonb, conditions = %s::jsonb, condition_logic = %s, actions = %s::jsonb,
    execution_timeout_seconds = %s, max_concurrent_executions = %s, concurrency_policy = %s
WHERE tenant = %s AND rule_id = %s
"""
_KEEP_VERSION = b"""
INSERT INTO automation_rule_versions (
    tenant, rule_id, version, name, description, status, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, created_by, created_at)
SELECT tenant, rule_id, version, name, description, status, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, %s, updated_at
FROM automation_rules WHERE tenant = %s AND rule_id = %s
"""
# A new limit may let them start; the next sweep sees to it.
_LOOK_AT_PENDING = b"""
UPDATE automation_executions SET due_at = now() WHERE tenant = %s AND automation_rule_id = %s AND status = 'pending'
"""
# This lock waits for executions that are being created, and lets them see the deletion.
_LOCK_TO_DELETE = b"SELECT deleted_at FROM automation_rules WHERE tenant = %s AND rule_id = %s FOR UPDATE"
_IN_USE = b"""
SELECT EXISTS (
    SELECT FROM automation_executions
    WHERE tenant = %s AND automation_rule_id = %s AND status IN ('pending', 'running'))
"""
_DELETE = b"UPDATE automation_rules SET deleted_at = now(), updated_at = now() WHERE tenant = %s AND rule_id = %s"


class Rules:
    """The rules of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: UUID, rule_id: UUID) -> Rule:
        """Return one rule, a deleted one too, as its last version; its times are in UTC.

        Raises:
            RuleNotFound: where this tenant has none of that id.
        """
        row = await self._database.fetch_row(_GET, (tenant, rule_id))
        if row is None:
            raise RuleNotFound
        return _rule(row)

    async def create(self, tenant: UUID, user: UUID, content: RuleContent) -> Rule:
        """Store a new rule as its version 1, and return it."""
        rule_id = uuid4()
        async with self._database.transaction(tenant) as transaction:
            await transaction.execute(_INSERT, (tenant, rule_id, user, *_values(content)))
            await transaction.execute(_KEEP_VERSION, (user, tenant, rule_id))
            return await _read(transaction, tenant, rule_id)

    async def update(
        self, tenant: UUID, user: UUID, rule_id: UUID, content: RuleContent, *, expected: Collection[int] | None
    ) -> Rule:
        """Replace what a rule says by a new version of it, and return that.

        Args:
            tenant: Whose rule it is.
            user: Who changes it.
            rule_id: Which rule.
            content: What it says from now on.
            expected: The versions that the change is meant for, None for whichever there is.

        Raises:
            RuleNotFound: where this tenant has none of that id.
            RuleDeleted: where it is deleted.
            PreconditionFailed: where its version is none of the expected.
        """
        async with self._database.transaction(tenant) as transaction:
            cursor = await transaction.execute(_LOCK, (tenant, rule_id))
            found = await cursor.fetchone()
            if found is None:
                raise RuleNotFound
            version, deleted_at = found
            if deleted_at is not None:
                raise RuleDeleted
            if expected is not None and version not in expected:
                raise PreconditionFailed
            await transaction.execute(_UPDATE, (*_values(content), tenant, rule_id))
            await transaction.execute(_KEEP_VERSION, (user, tenant, rule_id))
            await transaction.execute(_LOOK_AT_PENDING, (tenant, rule_id))
            return await _read(transaction, tenant, rule_id)

    async def delete(self, tenant: UUID, rule_id: UUID) -> None:
        """Mark a rule as deleted; one that is stays as it is. It can still be read.

        Raises:
            RuleNotFound: where this tenant has none of that id.
            RuleInUse: where it has pending or running executions.
        """
        async with self._database.transaction(tenant) as transaction:
            cursor = await transaction.execute(_LOCK_TO_DELETE, (tenant, rule_id))
            found = await cursor.fetchone()
            if found is None:
                raise RuleNotFound
            if found[0] is not None:
                return
            cursor = await transaction.execute(_IN_USE, (tenant, rule_id))
            if await cursor.fetchone() == (True,):
                raise RuleInUse
            await transaction.execute(_DELETE, (tenant, rule_id))


async def _read(transaction: Transaction, tenant: UUID, rule_id: UUID) -> Rule:
    cursor = await transaction.execute(_GET, (tenant, rule_id))
    row = await cursor.fetchone()
    if row is None:
        raise RuleNotFound
    return _rule(row)


def _rule(row: tuple[Any, ...]) -> Rule:
    rule_id, tenant, version, created_by, created_at, updated_at, status_reason, deleted_at, content = row
    return Rule(
        rule_id=rule_id,
        tenant=tenant,
        version=version,
        content=rule_content.from_columns(decoded(content)),
        created_by=created_by,
        created_at=created_at.astimezone(UTC),
        updated_at=updated_at.astimezone(UTC),
        status_reason=status_reason,
        deleted_at=None if deleted_at is None else deleted_at.astimezone(UTC),
    )


def _values(content: RuleContent) -> list[object]:
    columns = rule_content.as_columns(content)
    return [_value(name, columns[name]) for name in rule_content.COLUMNS]


def _value(name: str, value: Any) -> object:
    if name in _JSON:
        return encoded(value)
    return storable(value) if isinstance(value, str) else value
