"""Labels of executions: what they are found by, what their keys are made of, and how many there are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from automation.domain.errors import InvalidBody, Violation

MOST = 20
"""How many an execution has at the most, and how many a rule gives it."""
LONGEST_VALUE = 255
"""Characters of a value."""

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
        yield Violation("has too many members", pointer="/labels")
    if not all(map(_is_key, labels)):
        message = "a label's key has 1 to 63 of the characters a to z, 0 to 9, '.', '_' and '-'"
        yield Violation(message, pointer="/labels")


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
