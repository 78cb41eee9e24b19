"""Entity tags and preconditions of rules: what is shown to whom, and what a change is meant for."""

from collections.abc import Mapping
from typing import Any

from automation.contract.compiled.links import Links
from automation.contract.serving import preconditions
from automation.contract.serving.entity_tags import EntityTags
from automation.domain.permissions import Permission
from automation.domain.principal import Principal
from automation.domain.rules import Rule
from handlers.rule_body import require_read_only_kept
from handlers.rule_presentation import rule_response


def may_see_secrets(principal: Principal) -> bool:
    """Return whether a principal is shown what rules send in secret."""
    return Permission.AUTOMATION_MANAGE_SECRETS.value in principal.permissions


def rule_tags(principal: Principal, entity_tags: EntityTags) -> EntityTags:
    """Return the tags of what a principal is shown of rules: who sees secrets is shown another representation."""
    return entity_tags.variant("plain") if may_see_secrets(principal) else entity_tags


def require_held(rule: Rule, *, if_match: str | None, if_none_match: str | None, entity_tags: EntityTags) -> None:
    """Return if a rule, as it is, may be changed by what both preconditions say; with ``*``, none may be there.

    Args:
        rule: As it is while nobody changes it.
        if_match: The tags of which it must have one.
        if_none_match: The tags of which it must have none.
        entity_tags: Those of what the principal is shown of rules.

    Raises:
        PreconditionFailed: where one of them does not hold.
    """
    preconditions.require_held(entity_tags.tag(rule.revision), if_match, if_none_match)


def require_fit(
    rule: Rule,
    *,
    body: Mapping[str, Any],
    if_match: str | None,
    if_none_match: str | None,
    entity_tags: EntityTags,
    links: Links,
) -> None:
    """Return if a rule may be changed by a body, for all that preconditions and the body say of how it was read.

    Raises:
        PreconditionFailed: where it is not what it must be.
        InvalidBody: where the body has other values of members that can only be read.
    """
    require_held(rule, if_match=if_match, if_none_match=if_none_match, entity_tags=entity_tags)
    require_read_only_kept(body, rule_response(rule, links, plain=True)["data"])
