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
from automation.storage.rule_content import COLUMNS

Linked = dict[str, dict[str, str] | None]


def rule_response(rule: Rule, links: Links, *, plain: bool = False) -> dict[str, Any]:
    """Return the contract's ``AutomationRuleResponse``, or its ``AutomationRuleWritten`` of a rule with a new hook.

    Secrets are masked unless they are to be ``plain``.
    """
    data = {
        "rule_id": rule.rule_id,
        "tenant": rule.tenant,
        "version": rule.version,
        **_content(rule.content, plain=plain),
        "created_by": rule.created_by,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "next_fire_at": rule.next_fire_at,
        "_links": _rule_links(rule.rule_id, rule.content.status, rule.deleted_at, links),
    }
    optional = {"status_reason": rule.status_reason, "deleted_at": rule.deleted_at}
    shown = {"data": data | {name: value for name, value in optional.items() if value is not None}}
    return shown if rule.hook_token is None else shown | {"hook": new_hook(rule.hook_token, links)}


def new_hook(token: str, links: Links) -> dict[str, str]:
    """Return the contract's ``NewHook``, the only place where a token is ever shown."""
    return {"token": token, "href": links.href("receiveWebhook", token=token)}


def rule_item(rule: RuleSummary, links: Links) -> bytes:
    """Return a rule as an item of a list, the contract's ``AutomationRuleSummary``, as JSON."""
    unset = {name for name in ("status_reason", "deleted_at") if getattr(rule, name) is None}
    data = {name: value for name, value in asdict(rule).items() if name not in unset}
    return _json(data | {"_links": _rule_links(rule.rule_id, rule.status, rule.deleted_at, links)})


def rule_version_item(rule_id: UUID, version: RuleVersionSummary, links: Links) -> bytes:
    """Return a version as an item of a list, the contract's ``AutomationRuleVersionSummary``, as JSON."""
    return _json(asdict(version) | {"_links": _version_links(rule_id, version.version, links)})


def rule_version_response(version: RuleVersionRecord, links: Links, *, plain: bool = False) -> dict[str, Any]:
    """Return the contract's ``AutomationRuleVersionResponse``; secrets are masked as in a rule."""
    data = {
        "rule_id": version.rule_id,
        "tenant": version.tenant,
        "version": version.version,
        **_content(version.content, plain=plain),
        "created_by": version.created_by,
        "created_at": version.created_at,
        "_links": _version_links(version.rule_id, version.version, links),
    }
    return {"data": data}


def _content(content: RuleContent, *, plain: bool) -> dict[str, Any]:
    shown = dict if plain else masked
    actions = [action.members() | {"config": shown(action.config)} for action in content.actions]
    return {name: getattr(content, name) for name in COLUMNS} | {"actions": actions}


def _rule_links(rule_id: UUID, status: str, deleted_at: datetime | None, links: Links) -> Linked:
    linked: Linked = {"self": links.link("getAutomationRule", id=rule_id)}
    if status in (RuleStatus.ACTIVE, RuleStatus.PAUSED) and deleted_at is None:
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
