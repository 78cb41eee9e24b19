"""Reads and writes automation rules, and keeps every version of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row, scalar_row

from automation.domain.errors import RuleDeleted, RuleInUse, RuleNotFound
from automation.domain.firing import FirstFiring
from automation.domain.limits import DEFAULTS, Limits
from automation.domain.rules import Rule, RuleContent, RuleStatus
from automation.domain.time_zones import in_utc
from automation.storage import rule_content
from automation.storage.hooks import keep_hook
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import canonical, decoded, encoded, storable
from automation.storage.pool.transaction import Transaction
from automation.storage.quotas import RuleQuotas
from automation.storage.schedules import keep_schedule
from automation.storage.secrets.uses import SecretUses, use_secrets

_JSON = ("trigger_config", "conditions", "actions", "labels", "input_schema")

# A rule as its last version, a deleted one too; without what it says where its revision is known.
_GET = b"""
SELECT rule_id, tenant, version, created_by, created_at, updated_at, status_reason, deleted_at, next_fire_at, content,
    revision
FROM get_rule_v1(p_tenant => %(tenant)s, p_rule => %(rule)s, p_known => %(known)s)
"""
# A new rule, as its version 1.
_INSERT = b"""
INSERT INTO automation_rules (
    tenant, rule_id, version, created_by, name, description, status, trigger_type, trigger_config, conditions,
    condition_logic, actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, labels,
    priority, input_schema, concurrency_key, deduplication_key, debounce_seconds)
VALUES (
    %(tenant)s, %(rule)s, 1, %(user)s, %(name)s, %(description)s, %(status)s, %(trigger_type)s,
    %(trigger_config)s::json, %(conditions)s::json, %(condition_logic)s, %(actions)s::json,
    %(execution_timeout_seconds)s, %(max_concurrent_executions)s, %(concurrency_policy)s,
    %(labels)s::jsonb, %(priority)s, %(input_schema)s::json, %(concurrency_key)s,
    %(deduplication_key)s, %(debounce_seconds)s)
"""
# Other changes and claims wait for this one; executions can be created meanwhile.
_LOCK = b"""
SELECT deleted_at FROM automation_rules WHERE tenant = %(tenant)s AND rule_id = %(rule)s FOR NO KEY UPDATE
"""
# What a rule says from now on, as its next version.
_UPDATE = b"""
UPDATE automation_rules SET
    version = version + 1, updated_at = now(), name = %(name)s, description = %(description)s,
    status_reason = CASE WHEN %(status)s::text = 'error' THEN status_reason END,
    status = %(status)s, trigger_type = %(trigger_type)s, trigger_config = %(trigger_config)s::json,
    conditions = %(conditions)s::json, condition_logic = %(condition_logic)s, actions = %(actions)s::json,
    execution_timeout_seconds = %(execution_timeout_seconds)s,
    max_concurrent_executions = %(max_concurrent_executions)s, concurrency_policy = %(concurrency_policy)s,
    labels = %(labels)s::jsonb, priority = %(priority)s, input_schema = %(input_schema)s::json,
    concurrency_key = %(concurrency_key)s, deduplication_key = %(deduplication_key)s,
    debounce_seconds = %(debounce_seconds)s
WHERE tenant = %(tenant)s AND rule_id = %(rule)s
"""
# The rule as it is now is kept for the executions that will pin it.
_KEEP_VERSION = b"""
INSERT INTO automation_rule_versions (
    tenant, rule_id, version, name, description, status, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, labels, priority,
    input_schema, concurrency_key, deduplication_key, debounce_seconds, created_by, created_at)
SELECT tenant, rule_id, version, name, description, status, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, labels, priority,
    input_schema, concurrency_key, deduplication_key, debounce_seconds, %(user)s, updated_at
FROM automation_rules WHERE tenant = %(tenant)s AND rule_id = %(rule)s
"""
# A new limit may let them start, or that the rule is no longer paused; the next sweep sees to it, the oldest first.
# They are locked in the order in which changes of many executions at once lock those of a rule: else the two could wait
# for each other in a circle.
_LOOK_AT_PENDING = b"""
WITH pending AS MATERIALIZED (
    SELECT execution_id FROM automation_executions
    WHERE tenant = %(tenant)s AND automation_rule_id = %(rule)s AND status = 'pending'
    ORDER BY execution_id
    FOR NO KEY UPDATE)
UPDATE automation_executions e SET due_at = e.queued_at FROM pending p
WHERE e.tenant = %(tenant)s AND e.execution_id = p.execution_id
"""
# This lock waits for executions that are being created, and lets them see the deletion.
_LOCK_TO_DELETE = b"""
SELECT deleted_at FROM automation_rules WHERE tenant = %(tenant)s AND rule_id = %(rule)s FOR UPDATE
"""
# Whether a rule has executions that have not ended.
_IN_USE = b"""
SELECT EXISTS (
    SELECT FROM automation_executions
    WHERE tenant = %(tenant)s AND automation_rule_id = %(rule)s AND status IN ('pending', 'running'))
"""
# Marks a rule as deleted.
_DELETE = b"""
UPDATE automation_rules SET deleted_at = now(), updated_at = now() WHERE tenant = %(tenant)s AND rule_id = %(rule)s
"""


Accept = Callable[[Rule], None]
_NONE: SecretUses = MappingProxyType({})


def _whatever_it_is(_rule: Rule) -> None:
    return None


def _never(_content: RuleContent) -> None:
    return None


class Rules:
    """The rules of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
        first_firing: Says when a recurring rule is due first.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS, first_firing: FirstFiring = _never) -> None:
        self._database = database
        self._first_firing = first_firing
        self._quotas = RuleQuotas(limits)

    async def get(self, tenant: UUID, rule_id: UUID) -> Rule:
        """Return one rule, a deleted one too, as its last version; its times are in UTC.

        Raises:
            RuleNotFound: where this tenant has none of that id.
        """
        rule = await self.get_unless(tenant, rule_id, None)
        if rule is None:
            raise AssertionError("a revision is known that nobody named")
        return rule

    async def get_unless(self, tenant: UUID, rule_id: UUID, known: str | None) -> Rule | None:
        """Return one rule as ``get`` does, or None where its revision is one that is known.

        Raises:
            RuleNotFound: where this tenant has none of that id.
        """
        named = {"tenant": tenant, "rule": rule_id, "known": known}
        row = await self._database.fetch_one(_GET, named, dict_row)
        if row is None:
            raise RuleNotFound
        return None if row["content"] is None else _rule(row)

    async def create(self, tenant: UUID, user: UUID, content: RuleContent, *, secrets: SecretUses = _NONE) -> Rule:
        """Store a new rule as its version 1, and return it.

        Raises:
            QuotaExceeded: where the tenant has as many rules, versions or bytes as it may have.
            InvalidBody: where the tenant has not all of the secrets that it names.
        """
        named = {"tenant": tenant, "rule": uuid4(), "user": user}
        async with self._database.transaction(tenant) as transaction:
            await self._quotas.hold(transaction, tenant)
            await transaction.execute(_INSERT, named | _values(content))
            if secrets:
                await use_secrets(transaction, named, secrets)
            await transaction.execute(_KEEP_VERSION, named)
            await keep_schedule(transaction, named, content, None, self._first_firing)
            token = await keep_hook(transaction, named, content)
            await self._quotas.require_none_exceeded(transaction, tenant, rules=1)
            return replace(await _read(transaction, named), hook_token=token)

    async def update(
        self,
        tenant: UUID,
        user: UUID,
        rule_id: UUID,
        content: RuleContent,
        *,
        secrets: SecretUses = _NONE,
        accept: Accept = _whatever_it_is,
    ) -> Rule:
        """Replace what a rule says by a new version of it, and return that; where nothing changes, the rule as it is.

        Args:
            tenant: Whose rule it is.
            user: Who changes it.
            rule_id: Which rule.
            content: What it says from now on; the status ``error`` is whichever it has.
            secrets: Those that it names from now on.
            accept: Looks at the rule as it is, which nobody changes meanwhile, and raises what speaks against it.

        Raises:
            InvalidBody: where the tenant has not all of the secrets that it names.
            RuleNotFound: where this tenant has none of that id.
            RuleDeleted: where it is deleted.
            QuotaExceeded: where the tenant has as many versions or bytes as it may have; a change of the status alone
                is never refused so: what runs away can be stopped.
        """
        named = {"tenant": tenant, "rule": rule_id, "user": user}
        async with self._database.transaction(tenant) as transaction:
            await self._quotas.hold(transaction, tenant)
            found = await transaction.fetch_one(_LOCK, named, dict_row)
            if found is None:
                raise RuleNotFound
            if found["deleted_at"] is not None:
                raise RuleDeleted
            rule = await _read(transaction, named)
            accept(rule)
            if content.status is RuleStatus.ERROR:
                content = replace(content, status=rule.content.status)
            if _same(content, rule.content):
                return rule
            await use_secrets(transaction, named, secrets)
            await transaction.execute(_UPDATE, named | _values(content))
            await transaction.execute(_KEEP_VERSION, named)
            if content.status is not RuleStatus.PAUSED:
                await transaction.execute(_LOOK_AT_PENDING, named)
            await keep_schedule(transaction, named, content, rule.content, self._first_firing)
            token = await keep_hook(transaction, named, content, rule.content)
            if not _same(replace(content, status=rule.content.status), rule.content):
                await self._quotas.require_none_exceeded(transaction, tenant, rules=0)
            return replace(await _read(transaction, named), hook_token=token)

    async def delete(self, tenant: UUID, rule_id: UUID, *, accept: Accept = _whatever_it_is) -> None:
        """Mark a rule as deleted; one that is stays as it is. It can still be read.

        Args:
            tenant: Whose rule it is.
            rule_id: Which rule.
            accept: Looks at the rule as it is, which nobody changes meanwhile, and raises what speaks against it.

        Raises:
            RuleNotFound: where this tenant has none of that id.
            RuleInUse: where it has pending or running executions.
        """
        named = {"tenant": tenant, "rule": rule_id}
        async with self._database.transaction(tenant) as transaction:
            found = await transaction.fetch_one(_LOCK_TO_DELETE, named, dict_row)
            if found is None:
                raise RuleNotFound
            rule = await _read(transaction, named)
            accept(rule)
            if found["deleted_at"] is not None:
                return
            if await transaction.fetch_one(_IN_USE, named, scalar_row):
                raise RuleInUse
            await use_secrets(transaction, named, _NONE)
            await keep_schedule(transaction, named, None, rule.content, self._first_firing)
            await keep_hook(transaction, named, None, rule.content)
            await transaction.execute(_DELETE, named)


def _same(content: RuleContent, other: RuleContent) -> bool:
    return canonical(rule_content.as_columns(content)) == canonical(rule_content.as_columns(other))


async def _read(transaction: Transaction, named: Mapping[str, object]) -> Rule:
    row = await transaction.fetch_one(_GET, {**named, "known": None}, dict_row)
    if row is None:
        raise RuleNotFound
    return _rule(row)


def _rule(row: DictRow) -> Rule:
    return Rule(
        rule_id=row["rule_id"],
        tenant=row["tenant"],
        version=row["version"],
        content=rule_content.from_columns(decoded(row["content"])),
        created_by=row["created_by"],
        created_at=row["created_at"].astimezone(UTC),
        updated_at=row["updated_at"].astimezone(UTC),
        status_reason=row["status_reason"],
        deleted_at=in_utc(row["deleted_at"]),
        revision=row["revision"],
        next_fire_at=in_utc(row["next_fire_at"]),
    )


def _values(content: RuleContent) -> dict[str, object]:
    return {name: _value(name, value) for name, value in rule_content.as_columns(content).items()}


def _value(name: str, value: Any) -> object:
    if name in _JSON:
        return None if value is None else encoded(value)
    return storable(value) if isinstance(value, str) else value
