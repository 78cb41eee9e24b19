"""Entity tags and preconditions of rules: what is shown to whom, and which versions a change is meant for."""

import re
from collections.abc import Mapping
from typing import Any

from automation.contract.compiled.links import Links
from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.preconditions import is_current, strong_tags
from automation.domain.errors import PreconditionFailed
from automation.domain.permissions import Permission
from automation.domain.principal import Principal
from automation.domain.rules import Rule
from handlers.rule_body import require_read_only_kept
from handlers.rule_presentation import rule_response

_tag = re.compile(r'"v([1-9][0-9]{0,8})(?:-[0-9]+\.[0-9a-f]+)?"').fullmatch


def may_see_secrets(principal: Principal) -> bool:
    """Return whether a principal is shown what rules send in secret."""
    return Permission.AUTOMATION_MANAGE_SECRETS.value in principal.permissions


def rule_tags(principal: Principal, entity_tags: EntityTags) -> EntityTags:
    """Return the tags of what a principal is shown of rules: who sees secrets is shown another representation."""
    return entity_tags.variant("plain") if may_see_secrets(principal) else entity_tags


def expected_versions(if_match: str | None) -> frozenset[int] | None:
    """Return the versions that ``If-Match`` lets be changed; None for any.

    What is no entity tag of a rule is no version: a change that is meant for nothing else is refused. The versions
    alone decide, so a rule that the engine has put into ``error`` meanwhile can be mended.
    """
    tags = None if if_match is None else strong_tags(if_match)
    return None if tags is None else frozenset(int(known[1]) for tag in tags if (known := _tag(tag)))


def require_expected(rule: Rule, if_match: str | None) -> None:
    """Return if a rule is a version that ``If-Match`` names, or it names none.

    Raises:
        PreconditionFailed: where it is another one.
    """
    expected = expected_versions(if_match)
    if expected is not None and rule.version not in expected:
        raise PreconditionFailed


def require_not_excluded(rule: Rule, if_none_match: str | None, entity_tags: EntityTags) -> None:
    """Return unless a rule is what ``If-None-Match`` says that it must not be; with ``*``, there must be none.

    Raises:
        PreconditionFailed: where it is.
    """
    if if_none_match is not None and is_current(entity_tags.tag(rule.revision), if_none_match):
        raise PreconditionFailed("The resource is what If-None-Match says that it must not be.")


def require_fit(
    rule: Rule, *, body: Mapping[str, Any], if_none_match: str | None, entity_tags: EntityTags, links: Links
) -> None:
    """Return if a rule may be changed by a body, for all that ``If-None-Match`` and the body say of how it was read.

    Raises:
        PreconditionFailed: where it is what it must not be.
        InvalidBody: where the body has other values of members that can only be read.
    """
    require_not_excluded(rule, if_none_match, entity_tags)
    require_read_only_kept(body, rule_response(rule, links)["data"])
