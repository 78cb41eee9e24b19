"""Changes of schemas that specshift misses: each rule looks at a pair and says what breaks clients in it.

Rules go by what is sent and what is expected, so that the same words serve requests, which must not be narrowed, and
responses, which must not be widened. Members that clients don't know are the exception: they ignore them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.contract_diff.contracts import PartKind
from tools.contract_diff.limits import limits
from tools.contract_diff.pairs import Pair

Rule = Callable[[Pair], str | None]

KIND = ("type", "format")
COMPOSITION = ("allOf", "anyOf", "oneOf", "not")


def nullable(pair: Pair) -> str | None:
    """Null may be sent where it isn't expected."""
    if pair.expected.schema.get("nullable") or not pair.sent.schema.get("nullable"):
        return None
    return "null is no longer accepted" if pair.in_request else "may be null now"


def enumeration(pair: Pair) -> str | None:
    """Values may be sent that aren't in the list of those expected."""
    sent, expected = pair.sent.schema.get("enum"), pair.expected.schema.get("enum")
    if expected is None or (sent is not None and pair.in_request):
        return None  # specshift finds what a list of accepted values lost
    if sent is None:
        return "only some values are accepted now" if pair.in_request else "any value may come now"
    added = [str(value) for value in sent if value not in expected]
    return f"new values may come: {', '.join(added)}" if added else None


def kind(pair: Pair) -> str | None:
    """Anything may be sent where one type or format is expected; specshift compares those that both versions have."""
    for keyword in KIND:
        expected = pair.expected.schema.get(keyword)
        if expected is not None and keyword not in pair.sent.schema:
            return f"only {keyword} {expected} is accepted now" if pair.in_request else f"{keyword} {expected} is gone"
    return None


def pattern(pair: Pair) -> str | None:
    """Strings may come that the pattern forbade; specshift finds patterns that requests must match now."""
    if pair.in_request or "pattern" not in pair.old.schema or "pattern" in pair.new.schema:
        return None
    return f"pattern {pair.old.schema['pattern']} no longer holds"


def undeclared_members(pair: Pair) -> str | None:
    """Members that ``properties`` doesn't list must be sent now; specshift looks at listed ones alone."""
    if not pair.in_request:
        return None
    old, new = pair.old.schema, pair.new.schema
    listed = new.get("properties", {})
    added = [name for name in new.get("required", ()) if name not in old.get("required", ()) and name not in listed]
    return f"now required: {', '.join(added)}" if added else None


def additional_members(pair: Pair) -> str | None:
    """Members that ``properties`` doesn't list may be sent with other values than expected."""
    sent, expected = (_additional(version.meaning("additionalProperties")) for version in (pair.sent, pair.expected))
    if isinstance(expected, bool) or sent is False or sent == expected:
        return None
    return "the values of additional members changed"


def composition(pair: Pair) -> str | None:
    """Alternatives changed in any way: what that means to clients isn't told apart."""
    changed = [keyword for keyword in COMPOSITION if pair.old.meaning(keyword) != pair.new.meaning(keyword)]
    return f"{', '.join(changed)} changed" if changed else None


def renamed(pair: Pair) -> str | None:
    """The name is gone that generated clients made their type from."""
    return f"the schema is no longer called {pair.lost_name}" if pair.lost_name else None


def retyped(pair: Pair) -> str | None:
    """A header's type or format is another one; specshift compares those of bodies and parameters."""
    old, new = pair.old.schema, pair.new.schema
    changed = [keyword for keyword in KIND if keyword in old and keyword in new and old[keyword] != new[keyword]]
    return "; ".join(f"{keyword} {old[keyword]}, now {new[keyword]}" for keyword in changed) or None


def variant(pair: Pair) -> str | None:
    """Another media type's schema changed in any way; specshift compares one media type's alone."""
    return "it changed" if not pair.steps and pair.old.whole != pair.new.whole else None


RULES: Mapping[str, Rule] = {
    "nullable": nullable,
    "enum": enumeration,
    "type": kind,
    "pattern": pattern,
    "limit": limits,
    "required": undeclared_members,
    "additional-members": additional_members,
    "composition": composition,
    "schema-renamed": renamed,
}


UNSEEN: Mapping[PartKind, tuple[str, Rule]] = {
    PartKind.HEADER: ("header", retyped),
    PartKind.VARIANT: ("media-type", variant),
}
"""Rules of their own for the parts that specshift doesn't look at."""


def findings(pair: Pair, part: PartKind) -> Iterator[tuple[str, str]]:
    """Yield the rule and the message of all that breaks clients in a pair of such a part."""
    for name, rule in (*RULES.items(), *((UNSEEN[part],) if part in UNSEEN else ())):
        if message := rule(pair):
            yield name, message


def _additional(meaning: Any) -> Any:
    """Return ``additionalProperties`` with true, as by default, for every schema that allows anything."""
    return True if meaning in (None, {"properties": {}}) else meaning
