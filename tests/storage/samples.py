"""Tenants with something in them, made through the owner's commands."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from automation.domain.errors import PreconditionFailed
from automation.domain.executions import ExecutionStatus, LogEntry, LogLevel
from automation.domain.permissions import Role
from automation.domain.rules import Rule, RuleAction, RuleContent, RuleStatus
from automation.storage.accounts.accounts import Key
from automation.storage.accounts.administration import Administration
from tests.storage.stored_executions import Execution, add_execution

CREATED_AT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """What one tenant has."""

    administration: Administration
    tenant: UUID
    user: UUID
    rule: Rule
    execution: Execution

    def add_execution(self, **fields: Any) -> Execution:
        """Store one more execution of the rule."""
        execution = an_execution(self.rule, **fields)
        add_execution(self.administration, execution)
        return execution

    def add_key(self, **fields: Any) -> bytes:
        """Store one more key of the user, and return its digest."""
        digest = secrets.token_bytes(32)
        self.key(digest, **fields)
        return digest

    def key(self, digest: bytes, **fields: Any) -> Key:
        """Store a key by its digest."""
        return self.administration.create_key(self.tenant, self.user, digest=digest, prefix=prefix_of(digest), **fields)


def sample(administration: Administration, role: Role = Role.READER) -> Sample:
    """Make a tenant with a user, a rule and an execution with one log entry."""
    tenant = administration.create_tenant(f"tenant {uuid4()}").tenant
    user = administration.create_user(tenant, "reader@example.com", role).user
    rule = a_rule(tenant)
    administration.add_rule(rule)
    execution = an_execution(
        rule, logs=(LogEntry(timestamp=CREATED_AT, level=LogLevel.INFO, message="The execution was queued."),)
    )
    add_execution(administration, execution)
    return Sample(administration, tenant, user, rule, execution)


def a_rule(tenant: UUID, *, content: RuleContent | None = None, **fields: Any) -> Rule:
    """Return a rule with nothing special about it."""
    values: dict[str, Any] = {
        "rule_id": uuid4(),
        "tenant": tenant,
        "version": 1,
        "content": content or a_content(),
        "created_by": uuid4(),
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
    }
    return Rule(**{**values, **fields})


def a_content(**fields: Any) -> RuleContent:
    """Return what an active rule with two actions says."""
    values: dict[str, Any] = {
        "name": "Greet new customers",
        "status": RuleStatus.ACTIVE,
        "trigger_config": {},
        "actions": (
            RuleAction(type="webhook_call", config={"url": "https://example.com/hook"}),
            RuleAction(type="wait", config={"seconds": 5}),
        ),
    }
    return RuleContent(**{**values, **fields})


def an_execution(rule: Rule, **fields: Any) -> Execution:
    """Return an execution of a rule in which every optional field is unset."""
    values: dict[str, Any] = {
        "execution_id": uuid4(),
        "automation_rule_id": rule.rule_id,
        "tenant": rule.tenant,
        "status": ExecutionStatus.PENDING,
        "created_at": CREATED_AT,
    }
    return Execution(**{**values, **fields})


def prefix_of(digest: bytes) -> str:
    """Return a display prefix that no other digest has."""
    return f"ak_{hashlib.sha256(digest).hexdigest()[:8]}"


def only(version: int) -> Callable[[Rule], None]:
    """Return what a change is given that is meant for one version of a rule."""

    def accept(rule: Rule) -> None:
        if rule.version != version:
            raise PreconditionFailed

    return accept
