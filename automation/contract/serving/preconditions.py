"""Evaluates HTTP preconditions: If-Match and If-None-Match (RFC 9110, sections 8.8.3 and 13.1)."""

import re

from automation.domain.errors import PreconditionFailed

_tag = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_next = re.compile(r'[ \t]*(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*")?[ \t]*(?:,|\Z)').match


def is_current(etag: str, if_none_match: str) -> bool:
    """Return whether ``If-None-Match`` names a version, by weak comparison; ``*`` names any, and no list none."""
    if if_none_match.strip() == "*":
        return True
    known = _tag.fullmatch(etag)
    return known is not None and known[2] in {tag for _, tag in _tags(if_none_match)}


def require_held(etag: str, if_match: str | None, if_none_match: str | None) -> None:
    """Return if what has this entity tag may be changed by what both preconditions say.

    Raises:
        PreconditionFailed: where one of them does not hold.
    """
    expected = None if if_match is None else strong_tags(if_match)
    if expected is not None and etag not in expected:
        raise PreconditionFailed
    if if_none_match is not None and is_current(etag, if_none_match):
        raise PreconditionFailed("The resource is what If-None-Match says that it must not be.")


def strong_tags(if_match: str) -> frozenset[str] | None:
    """Return the entity tags in ``If-Match`` that can match, which are the strong ones; None where any version does."""
    if if_match.strip() == "*":
        return None
    return frozenset(tag for weak, tag in _tags(if_match) if not weak)


def _tags(header: str) -> list[tuple[str, str]]:
    """Return the tags of a list, and none of what is no list: a tag could be named there by mistake."""
    at = 0
    while at < len(header):
        item = _next(header, at)
        if item is None:
            return []
        at = item.end()
    return _tag.findall(header)
