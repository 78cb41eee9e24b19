"""The operations of the tag Rules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from automation.contract.compiled.links import Links
from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.reply import Reply
from automation.domain.origin import Origin
from automation.domain.pages import given
from automation.domain.principal import Principal
from automation.domain.rules import Rule, RuleAction, RuleFilter
from automation.domain.statistics import Period
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.rules.secret_uses import secret_uses
from automation.engine.rules.unmasking import has_masks
from automation.storage.executions import Executions
from automation.storage.rule_list import RuleList
from automation.storage.rule_statistics import RuleStatistics
from automation.storage.rule_versions import RuleVersions
from automation.storage.rules import Accept, Rules
from handlers.entity_tags import may_see_secrets, require_fit, require_held, rule_tags
from handlers.execution_body import wanted_run
from handlers.merge_patch import merged
from handlers.pages import Lists, PagedList, Paging
from handlers.presentation import creation_reply, plan_response
from handlers.rule_body import writable
from handlers.rule_presentation import rule_item, rule_response, rule_version_item, rule_version_response
from handlers.rule_turns import changed_as_read
from handlers.statistics_presentation import statistics_response, statistics_revision


async def list_automation_rules(
    *,
    status: list[str] | None,
    trigger_type: str | None,
    name: str | None,
    label: list[str] | None,
    deleted: bool,
    sort: str,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    include_total: bool,
    principal: Principal,
    rule_list: RuleList,
    lists: Lists,
) -> Reply:
    """Return a page of the rules of the principal's tenant."""
    wanted = RuleFilter(
        status=tuple(status or ()),
        trigger_type=trigger_type,
        name=name,
        label=tuple(dict.fromkeys(label or ())),
        deleted=deleted,
    )
    paging = Paging(limit, cursor, if_none_match, sort, include_total)
    listed = PagedList(lists, "listAutomationRules", given(wanted), paging, principal)
    return await listed.reply(partial(rule_list.page, principal.tenant, wanted), rule_item)


async def create_automation_rule(
    body: dict[str, Any],
    *,
    principal: Principal,
    rules: Rules,
    rule_desk: RuleDesk,
    entity_tags: EntityTags,
    links: Links,
) -> Reply:
    """Create a rule that can be run."""
    content = await rule_desk.check(principal.tenant, body)
    rule = await rules.create(principal.tenant, principal.user, content, secrets=secret_uses(content))
    return _reply(rule, principal, entity_tags, links, Location=links.href("getAutomationRule", id=rule.rule_id))


async def get_automation_rule(
    id: UUID, if_none_match: str | None, *, principal: Principal, rules: Rules, entity_tags: EntityTags, links: Links
) -> Reply:
    """Return one rule of the principal's tenant, as its last version, unless the client knows it as it is."""
    tags = rule_tags(principal, entity_tags)
    known = tags.known(if_none_match)
    rule = await rules.get_unless(principal.tenant, id, known)
    return Reply(None, etag=tags.tag(known or "")) if rule is None else _reply(rule, principal, entity_tags, links)


async def update_automation_rule(
    id: UUID,
    if_match: str | None,
    if_none_match: str | None,
    body: dict[str, Any],
    *,
    principal: Principal,
    rules: Rules,
    rule_desk: RuleDesk,
    entity_tags: EntityTags,
    links: Links,
) -> Reply:
    """Replace a rule by a new version of it, unless it says the same."""
    said = writable(body)
    tags = rule_tags(principal, entity_tags)
    fits = partial(
        require_fit, body=body, if_match=if_match, if_none_match=if_none_match, entity_tags=tags, links=links
    )
    update = partial(_updated, id=id, principal=principal, rules=rules, rule_desk=rule_desk)

    async def replace(read: Rule, accept: Accept) -> Rule:
        # What is put back is this version's: another one may have another secret.
        return await update(said, read=read.content.actions, accept=accept)

    if has_masks(said["actions"]):
        rule = await changed_as_read(rules, principal.tenant, id, fits, replace)
    else:
        rule = await update(said, accept=fits)
    return _reply(rule, principal, entity_tags, links)


async def patch_automation_rule(
    id: UUID,
    if_match: str | None,
    if_none_match: str | None,
    body: dict[str, Any],
    *,
    principal: Principal,
    rules: Rules,
    rule_desk: RuleDesk,
    entity_tags: EntityTags,
    links: Links,
) -> Reply:
    """Change members of a rule, and leave the others as they are."""
    tags = rule_tags(principal, entity_tags)
    fits = partial(
        require_fit, body=body, if_match=if_match, if_none_match=if_none_match, entity_tags=tags, links=links
    )

    async def patch(read: Rule, accept: Accept) -> Rule:
        said = merged(writable(rule_response(read, links, plain=True)["data"]), writable(body))
        shown = read.content.actions if "actions" in body else None
        update = partial(_updated, id=id, principal=principal, rules=rules, rule_desk=rule_desk)
        return await update(said, read=shown, accept=accept)

    rule = await changed_as_read(rules, principal.tenant, id, fits, patch)
    return _reply(rule, principal, entity_tags, links)


async def list_automation_rule_versions(
    *,
    id: UUID,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    principal: Principal,
    rule_versions: RuleVersions,
    lists: Lists,
) -> Reply:
    """Return a page of a rule's versions, the newest first."""
    paging = Paging(limit, cursor, if_none_match)
    listed = PagedList(lists, "listAutomationRuleVersions", {}, paging, principal, id=id)
    return await listed.reply(partial(rule_versions.page, principal.tenant, id), partial(rule_version_item, id))


async def get_automation_rule_version(
    id: UUID,
    version: int,
    if_none_match: str | None,
    *,
    principal: Principal,
    rule_versions: RuleVersions,
    entity_tags: EntityTags,
    links: Links,
) -> Reply:
    """Return what a rule said in one of its versions, unless the client knows that."""
    entity_tags = rule_tags(principal, entity_tags)
    known = entity_tags.known(if_none_match)
    said = await rule_versions.get(principal.tenant, id, version, known)
    if said is None:
        return Reply(None, etag=entity_tags.tag(known or ""))
    shown = rule_version_response(said, links, plain=may_see_secrets(principal))
    return Reply(shown, etag=entity_tags.tag(said.revision))


async def get_automation_rule_statistics(
    *,
    id: UUID,
    from_: datetime | None,
    to: datetime | None,
    bucket: str,
    time_zone: str,
    if_none_match: str | None,
    principal: Principal,
    rule_statistics: RuleStatistics,
    entity_tags: EntityTags,
    links: Links,
) -> Reply:
    """Return how the runs of a rule ended in a period, unless the client knows that."""
    period = Period.asked(from_, to, bucket=bucket, time_zone=time_zone, now=datetime.now(UTC))
    found = await rule_statistics.read(principal.tenant, id, period)
    revision = statistics_revision(id, period, found)
    is_known = entity_tags.known(if_none_match) == revision
    return Reply(None if is_known else statistics_response(id, period, found, links), etag=entity_tags.tag(revision))


async def delete_automation_rule(
    id: UUID,
    if_match: str | None,
    if_none_match: str | None,
    *,
    principal: Principal,
    rules: Rules,
    entity_tags: EntityTags,
) -> None:
    """Delete a rule, which can still be read."""
    tags = rule_tags(principal, entity_tags)
    accept = partial(require_held, if_match=if_match, if_none_match=if_none_match, entity_tags=tags)
    await rules.delete(principal.tenant, id, accept=accept)


async def execute_automation_rule(
    id: UUID,
    body: dict[str, Any] | None,
    *,
    principal: Principal,
    origin: Origin,
    rules: Rules,
    executions: Executions,
    rule_desk: RuleDesk,
    links: Links,
) -> Reply:
    """Create an execution of a rule; or say what one would do."""
    asked = body or {}
    wanted = wanted_run(asked)
    if asked.get("dry_run", False):
        rule = await rules.get(principal.tenant, id)
        plan = await rule_desk.plan(principal.tenant, rule, **wanted)
        return Reply(plan_response(plan), status=200)
    execution = await executions.create(
        principal.tenant,
        principal.user,
        id,
        priority=asked.get("priority"),
        origin=origin,
        make_labels=partial(rule_desk.labels, trigger_data=wanted["trigger_data"]),
        **wanted,
    )
    return creation_reply(execution, links)


async def _updated(
    said: dict[str, Any],
    *,
    id: UUID,
    principal: Principal,
    rules: Rules,
    rule_desk: RuleDesk,
    accept: Accept,
    read: Sequence[RuleAction] | None = (),
) -> Rule:
    content = await rule_desk.check(principal.tenant, said, read=read)
    return await rules.update(
        principal.tenant,
        principal.user,
        id,
        content,
        secrets=secret_uses(content),
        accept=accept,
    )


def _reply(rule: Rule, principal: Principal, entity_tags: EntityTags, links: Links, **headers: str) -> Reply:
    shown = rule_response(rule, links, plain=may_see_secrets(principal))
    return Reply(shown, headers=headers, etag=rule_tags(principal, entity_tags).tag(rule.revision))
