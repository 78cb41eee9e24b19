"""Presents rules and their versions to clients: as the contract's components, with links."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from automation.contract.compiled.links import Links
from automation.domain.rules import (
    Rule,
    RuleContent,
    RuleStatus,
    RuleSummary,
    RuleVersionRecord,
    RuleVersionSummary,
)
from automation.engine.rules.masking import masked

Linked = dict[str, dict[str, str] | None]


def rule_response(rule: Rule, links: Links) -> dict[str, Any]:
    """Return the contract's ``AutomationRuleResponse``, in which secrets are masked."""
    data = {
        "rule_id": rule.rule_id,
        "tenant": rule.tenant,
        "version": rule.version,
        **_content(rule.content),
        "created_by": rule.created_by,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "_links": _rule_links(rule.rule_id, rule.content.status, rule.deleted_at, links),
    }
    optional = {"status_reason": rule.status_reason, "deleted_at": rule.deleted_at}
    return {"data": data | {name: value for name, value in optional.items() if value is not None}}


def rule_item(rule: RuleSummary, links: Links) -> bytes:
    """Return a rule as an item of a list, the contract's ``AutomationRuleSummary``, as JSON."""
    unset = {name for name in ("status_reason", "deleted_at") if getattr(rule, name) is None}
    data = {name: value for name, value in asdict(rule).items() if name not in unset}
    return _json(data | {"_links": _rule_links(rule.rule_id, rule.status, rule.deleted_at, links)})


def rule_version_item(rule_id: UUID, version: RuleVersionSummary, links: Links) -> bytes:
    """Return a version as an item of a list, the contract's ``AutomationRuleVersionSummary``, as JSON."""
    return _json(asdict(version) | {"_links": _version_links(rule_id, version.version, links)})


def rule_version_response(version: RuleVersionRecord, links: Links) -> dict[str, Any]:
    """Return the contract's ``AutomationRuleVersionResponse``."""
    data = {
        "rule_id": version.rule_id,
        "tenant": version.tenant,
        "version": version.version,
        **_content(version.content),
        "created_by": version.created_by,
        "created_at": version.created_at,
        "_links": _version_links(version.rule_id, version.version, links),
    }
    return {"data": data}


def _content(content: RuleContent) -> dict[str, Any]:
    return {
        "name": content.name,
        "description": content.description,
        "status": content.status,
        "trigger_type": content.trigger_type,
        "trigger_config": content.trigger_config,
        "conditions": content.conditions,
        "condition_logic": content.condition_logic,
        "actions": [action.members() | {"config": masked(action.config)} for action in content.actions],
        "execution_timeout_seconds": content.execution_timeout_seconds,
        "max_concurrent_executions": content.max_concurrent_executions,
        "concurrency_policy": content.concurrency_policy,
        "priority": content.priority,
    }


def _rule_links(rule_id: UUID, status: str, deleted_at: datetime | None, links: Links) -> Linked:
    linked: Linked = {"self": links.link("getAutomationRule", id=rule_id)}
    if status == RuleStatus.ACTIVE and deleted_at is None:
        linked["execute"] = links.link("executeAutomationRule", id=rule_id)
    linked["versions"] = links.link("listAutomationRuleVersions", id=rule_id)
    return _existing(linked)


def _version_links(rule_id: UUID, version: int, links: Links) -> Linked:
    return _existing(
        {
            "self": links.link("getAutomationRuleVersion", id=rule_id, version=version),
            "rule": links.link("getAutomationRule", id=rule_id),
            "versions": links.link("listAutomationRuleVersions", id=rule_id),
        }
    )


def _existing(linked: Linked) -> Linked:
    """Return the links that lead somewhere: those to operations that the contract has."""
    return {relation: link for relation, link in linked.items() if link is not None}


def _json(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
