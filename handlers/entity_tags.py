"""Entity tags of rules: which version an ``ETag`` stands for, and which versions a change is meant for."""

import re

from automation.contract.serving.preconditions import is_current, strong_tags
from automation.domain.errors import PreconditionFailed
from automation.domain.rules import Rule, RuleStatus

_tag = re.compile(r'"v([1-9][0-9]{0,8})(?:-[a-z]+)?"').fullmatch


def entity_tag(rule: Rule) -> str:
    """Return a rule's strong entity tag: its version, and what can be said of the rule without a new version of it."""
    if rule.deleted_at is not None:
        return f'"v{rule.version}-deleted"'
    return f'"v{rule.version}-error"' if rule.content.status is RuleStatus.ERROR else f'"v{rule.version}"'


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


def require_not_excluded(rule: Rule, if_none_match: str | None) -> None:
    """Return unless a rule is what ``If-None-Match`` says that it must not be; with ``*``, there must be none.

    Raises:
        PreconditionFailed: where it is.
    """
    if if_none_match is not None and is_current(entity_tag(rule), if_none_match):
        raise PreconditionFailed("The resource is what If-None-Match says that it must not be.")
