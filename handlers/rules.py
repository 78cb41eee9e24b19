"""The operations of the tag Rules."""

from typing import Any
from uuid import UUID

from automation.contract.links import Links
from automation.domain.principal import Principal
from automation.domain.rules import Rule
from automation.storage.rules import Rules


async def get_automation_rule(id: UUID, principal: Principal, rules: Rules, links: Links) -> dict[str, Any]:
    """Return one rule of the principal's tenant."""
    rule = await rules.get(principal.tenant, id)
    return {"data": present(rule, links)}


def present(rule: Rule, links: Links) -> dict[str, Any]:
    """Return the contract's ``AutomationRule``."""
    return {
        "rule_id": rule.rule_id,
        "tenant": rule.tenant,
        "name": rule.name,
        "description": rule.description,
        "status": rule.status,
        "trigger_type": rule.trigger_type,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "_links": {"self": links.link("getAutomationRule", id=rule.rule_id)},
    }
