"""What an automation rule is: what to run, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class RuleStatus(StrEnum):
    """Whether a rule can run (contract component ``RuleStatus``)."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DRAFT = "draft"
    ERROR = "error"


class TriggerType(StrEnum):
    """What starts a rule (contract component ``TriggerType``)."""

    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An automation rule (contract component ``AutomationRule``). Every time has a time zone."""

    rule_id: UUID
    tenant: UUID
    name: str
    description: str | None
    status: RuleStatus
    trigger_type: TriggerType
    created_at: datetime
    updated_at: datetime
