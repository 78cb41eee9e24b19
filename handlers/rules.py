"""The operations of the tag Rules."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from automation.contract.compiled.cursors import Cursors
from automation.contract.compiled.links import Links
from automation.contract.serving.reply import Reply
from automation.domain.errors import PreconditionFailed
from automation.domain.pages import given
from automation.domain.principal import Principal
from automation.domain.rules import Rule, RuleFilter
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.rules.unmasking import has_masks, unmasked
from automation.storage.executions import Executions
from automation.storage.rule_list import RuleList
from automation.storage.rule_versions import RuleVersions
from automation.storage.rules import Rules
from handlers.entity_tags import entity_tag, expected_versions, require_expected, require_not_excluded
from handlers.merge_patch import merged
from handlers.pages import PagedList, Paging
from handlers.presentation import execution_response, plan_response
from handlers.rule_body import require_read_only_kept, writable
from handlers.rule_presentation import rule_item, rule_response, rule_version_item, rule_version_response


async def list_automation_rules(
    *,
    status: list[str] | None,
    trigger_type: str | None,
    name: str | None,
    deleted: bool,
    sort: str,
    limit: int,
    cursor: str | None,
    include_total: bool,
    principal: Principal,
    rule_list: RuleList,
    cursors: Cursors,
    links: Links,
) -> Reply:
    """Return a page of the rules of the principal's tenant."""
    wanted = RuleFilter(status=tuple(status or ()), trigger_type=trigger_type, name=name, deleted=deleted)
    paging = Paging(limit, cursor, sort, include_total)
    listed = PagedList("listAutomationRules", given(wanted), paging, principal, links=links, cursors=cursors)
    return await listed.reply(partial(rule_list.page, principal.tenant, wanted), rule_item)


async def create_automation_rule(
    body: dict[str, Any], principal: Principal, rules: Rules, rule_desk: RuleDesk, links: Links
) -> Reply:
    """Create a rule that can be run."""
    if has_masks(body["actions"]):
        body = body | {"actions": unmasked(body["actions"], ())}
    content = await rule_desk.check(principal.tenant, body)
    rule = await rules.create(principal.tenant, principal.user, content)
    return _reply(rule, links, Location=links.href("getAutomationRule", id=rule.rule_id))


async def get_automation_rule(id: UUID, principal: Principal, rules: Rules, links: Links) -> Reply:
    """Return one rule of the principal's tenant, as its last version."""
    rule = await rules.get(principal.tenant, id)
    return _reply(rule, links)


async def update_automation_rule(
    id: UUID,
    if_match: str | None,
    if_none_match: str | None,
    body: dict[str, Any],
    *,
    principal: Principal,
    rules: Rules,
    rule_desk: RuleDesk,
    links: Links,
) -> Reply:
    """Replace a rule by a new version of it, unless it says the same."""
    expected = expected_versions(if_match)
    said = writable(body)
    if has_masks(said["actions"]):
        stored = await rules.get(principal.tenant, id)
        said = said | {"actions": unmasked(said["actions"], stored.content.actions)}
        # What was put back is this version's: another one may have another secret.
        expected = frozenset({stored.version}) if expected is None else expected & {stored.version}
    content = await rule_desk.check(principal.tenant, said)
    accept = partial(_require_fit, body=body, if_none_match=if_none_match, links=links)
    who = (principal.tenant, principal.user)
    return _reply(await rules.update(*who, id, content, expected=expected, accept=accept), links)


async def patch_automation_rule(
    id: UUID,
    if_match: str | None,
    if_none_match: str | None,
    body: dict[str, Any],
    *,
    principal: Principal,
    rules: Rules,
    rule_desk: RuleDesk,
    links: Links,
) -> Reply:
    """Change members of a rule, and leave the others as they are."""
    read = await rules.get(principal.tenant, id)

    def accept(rule: Rule) -> None:
        _require_fit(rule, body=body, if_none_match=if_none_match, links=links)
        if entity_tag(rule) != entity_tag(read):
            raise PreconditionFailed("The rule was changed by somebody else at the same moment.")

    said = merged(writable(rule_response(read, links)["data"]), writable(body))
    if has_masks(said["actions"]):
        said = said | {"actions": unmasked(said["actions"], read.content.actions)}
    content = await rule_desk.check(principal.tenant, said)
    expected = expected_versions(if_match)
    rule = await rules.update(principal.tenant, principal.user, id, content, expected=expected, accept=accept)
    return _reply(rule, links)


async def list_automation_rule_versions(
    *,
    id: UUID,
    limit: int,
    cursor: str | None,
    principal: Principal,
    rule_versions: RuleVersions,
    cursors: Cursors,
    links: Links,
) -> Reply:
    """Return a page of a rule's versions, the newest first."""
    paging = Paging(limit, cursor)
    listed = PagedList(
        "listAutomationRuleVersions", {}, paging, principal, links=links, cursors=cursors, path={"id": id}
    )
    return await listed.reply(partial(rule_versions.page, principal.tenant, id), partial(rule_version_item, id))


async def get_automation_rule_version(
    id: UUID, version: int, principal: Principal, rule_versions: RuleVersions, links: Links
) -> dict[str, Any]:
    """Return what a rule said in one of its versions."""
    return rule_version_response(await rule_versions.get(principal.tenant, id, version), links)


async def delete_automation_rule(
    id: UUID, if_match: str | None, if_none_match: str | None, principal: Principal, rules: Rules
) -> None:
    """Delete a rule, which can still be read."""

    def accept(rule: Rule) -> None:
        require_expected(rule, if_match)
        require_not_excluded(rule, if_none_match)

    await rules.delete(principal.tenant, id, accept=accept)


async def execute_automation_rule(
    id: UUID,
    body: dict[str, Any] | None,
    *,
    principal: Principal,
    rules: Rules,
    executions: Executions,
    rule_desk: RuleDesk,
    links: Links,
) -> Reply:
    """Create an execution of a rule; or say what one would do."""
    asked = body or {}
    given = {
        "trigger_data": asked.get("trigger_data", {}),
        "override_conditions": asked.get("override_conditions", False),
    }
    if asked.get("dry_run", False):
        rule = await rules.get(principal.tenant, id)
        return Reply(plan_response(await rule_desk.plan(principal.tenant, rule, **given)), status=200)
    execution = await executions.create(principal.tenant, principal.user, id, priority=asked.get("priority"), **given)
    location = links.href("getAutomationExecution", id=execution.execution_id)
    return Reply(execution_response(execution, links), status=202, headers={"Location": location})


def _require_fit(rule: Rule, *, body: Mapping[str, Any], if_none_match: str | None, links: Links) -> None:
    require_not_excluded(rule, if_none_match)
    require_read_only_kept(body, rule_response(rule, links)["data"])


def _reply(rule: Rule, links: Links, **headers: str) -> Reply:
    return Reply(rule_response(rule, links), headers={"ETag": entity_tag(rule), **headers})
