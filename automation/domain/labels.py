"""Labels of executions: what they are found by, what their keys are made of, and how many there are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from automation.domain.errors import InvalidBody, Violation

MOST = 20
"""How many an execution has at the most, and how many a rule gives it."""
LONGEST_VALUE = 255
"""Characters of a value."""
LONGEST_PLACED = 80
"""Characters of a wrong key that its place is told with."""
KEY_FORM = "1 to 63 of the characters a to z, 0 to 9, dot, underscore and hyphen"

_is_key = re.compile(r"[a-z0-9._-]{1,63}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLabels:
    """What a rule gives an execution: labels, and the keys by which it is limited and skipped.

    Labels are by their keys, the keys by the names of the rule's members; what could not be made has its reasons.
    """

    labels: Mapping[str, str]
    left_out: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    keys_left_out: Mapping[str, str] = field(default_factory=dict)


def violations(labels: Mapping[str, str]) -> Iterator[Violation]:
    """Yield what is wrong with labels beside what the contract can say; pointers lead on from the body's top."""
    if len(labels) > MOST:
        yield Violation(f"must have at most {MOST} members", pointer="/labels")
    for key in labels:
        if not _is_key(key):
            yield Violation(f"has a name that must be {KEY_FORM}", pointer=_place(key))


def _place(key: str) -> str:
    """Return the JSON pointer to a label, or to all of them where its key is longer than any."""
    own = "/" + key.replace("~", "~0").replace("/", "~1")
    return f"/labels{own}" if len(key) <= LONGEST_PLACED else "/labels"


def require_valid(labels: Mapping[str, str]) -> None:
    """Return if an execution can have such labels.

    Raises:
        InvalidBody: where it can't.
    """
    found = tuple(violations(labels))
    if found:
        raise InvalidBody("The labels are not as they must be.", violations=found)


def too_many() -> InvalidBody:
    """Return the error of more labels than an execution may have, its rule's included."""
    message = f"an execution has at most {MOST} labels; with those that its rule gives it there are more"
    return InvalidBody("There are too many labels.", violations=[Violation(message, pointer="/labels")])


def pairs(written: Sequence[str]) -> list[tuple[str, str]]:
    """Return the key and the value of each label that is written as ``key:value``."""
    return [(key, value) for key, _, value in (each.partition(":") for each in written)]
