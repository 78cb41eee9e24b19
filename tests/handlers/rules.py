"""Rules to show, of every kind."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from automation.domain.rules import Rule, RuleAction, RuleContent, RuleStatus

CREATED_AT = datetime(2026, 10, 1, 7, tzinfo=UTC)
RULE = Rule(
    rule_id=UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    tenant=UUID("1b4e28ba-2fa1-41d2-883f-0016d3cca427"),
    version=3,
    content=RuleContent(
        name="Notify the warehouse",
        description=None,
        status=RuleStatus.ACTIVE,
        trigger_config={},
        conditions=({"field": "trigger.total", "operator": "greater_than", "value": 50},),
        actions=(RuleAction(type="wait", config={"seconds": 1}),),
    ),
    created_by=UUID("5f0e3d0a-3c1b-4c62-9b8e-2f6b3c1d4e5f"),
    created_at=CREATED_AT,
    updated_at=CREATED_AT,
)


def a_rule(status: RuleStatus = RuleStatus.ACTIVE, **fields: Any) -> Rule:
    """Return a rule with a status and other fields of its own."""
    return replace(RULE, content=replace(RULE.content, status=status), **fields)
