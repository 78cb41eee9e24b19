"""An automation rule: what to run, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class RuleStatus(StrEnum):
    """Whether a rule can run (contract component ``RuleStatus``)."""

    ACTIVE = "active"
    PAUSED = "paused"
    INACTIVE = "inactive"
    DRAFT = "draft"
    ERROR = "error"


class TriggerType(StrEnum):
    """What starts a rule (contract component ``TriggerType``)."""

    MANUAL = "manual"
    EVENT = "event"
    RECURRING = "recurring"
    WEBHOOK = "webhook"


class ConditionLogic(StrEnum):
    """Whether all conditions must hold, or one of them (contract component ``ConditionLogic``)."""

    AND = "and"
    OR = "or"


class ConcurrencyPolicy(StrEnum):
    """What happens at the limit of concurrent executions (contract component ``ConcurrencyPolicy``)."""

    QUEUE = "queue"
    SKIP = "skip"
    CANCEL_PREVIOUS = "cancel_previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAction:
    """Something that a rule does (contract component ``RuleAction``).

    ``timeout_seconds`` is for one try; ``retry_attempts`` is how often it is tried again.
    """

    type: str
    config: Mapping[str, Any]
    continue_on_error: bool = False
    timeout_seconds: int = 30
    retry_attempts: int = 0

    def members(self) -> dict[str, Any]:
        """Return it as the component has it."""
        return {
            "type": self.type,
            "config": dict(self.config),
            "continue_on_error": self.continue_on_error,
            "timeout_seconds": self.timeout_seconds,
            "retry_attempts": self.retry_attempts,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContent:
    """What a rule says, and a new version of it says anew (contract component ``AutomationRuleInput``).

    ``conditions`` are as the contract has them: ``field``, ``operator`` and, for most operators, ``value``.
    """

    name: str
    description: str | None = None
    status: RuleStatus = RuleStatus.DRAFT
    trigger_type: TriggerType = TriggerType.MANUAL
    trigger_config: Mapping[str, Any]
    conditions: tuple[Mapping[str, Any], ...] = ()
    condition_logic: ConditionLogic = ConditionLogic.AND
    actions: tuple[RuleAction, ...]
    execution_timeout_seconds: int = 3600
    max_concurrent_executions: int | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    input_schema: Mapping[str, Any] | None = None
    concurrency_key: str | None = None
    deduplication_key: str | None = None
    debounce_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An automation rule, as its last version (contract component ``AutomationRule``). Every time has a time zone.

    ``status_reason`` says why the status is ``error``. ``revision``, where it was read, is another one after every
    change of the rule, with a new version or without, and of ``next_fire_at``, which is when the clock starts it next.
    """

    rule_id: UUID
    tenant: UUID
    version: int
    content: RuleContent
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    status_reason: str | None = None
    deleted_at: datetime | None = None
    next_fire_at: datetime | None = None
    revision: str = field(default="", compare=False)
    hook_token: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """A version of a rule, which an execution pins: it never changes."""

    rule_id: UUID
    tenant: UUID
    version: int
    content: RuleContent


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersionRecord(RuleVersion):
    """A version of a rule, with who made it and when (contract component ``AutomationRuleVersion``)."""

    created_by: UUID
    created_at: datetime
    revision: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersionSummary:
    """What a version changed (contract component ``AutomationRuleVersionSummary``): members of the rule, by name."""

    version: int
    name: str
    status: str
    changed: tuple[str, ...]
    created_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSummary:
    """A rule as lists show it (contract component ``AutomationRuleSummary``). Every time has a time zone."""

    rule_id: UUID
    tenant: UUID
    version: int
    name: str
    description: str | None
    status: str
    trigger_type: str
    execution_timeout_seconds: int
    max_concurrent_executions: int | None
    concurrency_policy: str
    labels: Mapping[str, str]
    priority: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    status_reason: str | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFilter:
    """Which rules a list has, by the names of the contract's parameters: all that is given must hold.

    Of ``status`` one of the values must; ``name`` is how the rule's begins; each ``label`` is ``key:value``.
    """

    status: Sequence[str] = ()
    trigger_type: str | None = None
    name: str | None = None
    label: Sequence[str] = ()
    deleted: bool = False
