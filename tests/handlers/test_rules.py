"""A rule, as the operation answers with it."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from automation.contract.links import Links
from automation.domain.rules import Rule, RuleStatus, TriggerType
from handlers.rules import present


@pytest.fixture
def rule() -> Rule:
    created = datetime(2026, 10, 1, 7, tzinfo=UTC)
    return Rule(
        rule_id=uuid4(),
        tenant=uuid4(),
        name="Notify the warehouse",
        description=None,
        status=RuleStatus.ACTIVE,
        trigger_type=TriggerType.MANUAL,
        created_at=created,
        updated_at=created,
    )


def test_a_rule_is_shown_with_every_field_of_the_contract(rule: Rule, links: Links, document: dict[str, Any]) -> None:
    shown = present(rule, links)

    assert shown.keys() == document["components"]["schemas"]["AutomationRule"]["properties"].keys()


def test_a_rule_is_shown_as_it_is_stored(rule: Rule, links: Links) -> None:
    shown = present(rule, links)

    assert all(value == getattr(rule, name) for name, value in shown.items() if name != "_links")
    assert shown["_links"] == {"self": {"href": f"/api/v1/automation/rules/{rule.rule_id}"}}
