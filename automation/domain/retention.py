"""Retention: for how many days a tenant's finished executions and audit events are kept; the one register of it.

Each has its default here, which the setting ``AUTOMATION_RETENTION`` changes for all tenants, and a command for one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Self

from automation.domain.executions import ExecutionStatus

FOR_EVER = "forever"
"""How people write that something is kept without an end."""
MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Period:
    """For how long something can be kept.

    Args:
        of: What is kept, for a person.
        default: How many days where nobody has said another number; None for ever.
        least: The smallest number of days.
    """

    of: str
    default: int | None
    least: int = 1


class Kept(Enum):
    """What is kept for a time; people write its name in lower case. Executions are by the status that they ended in."""

    COMPLETED = Period("executions that completed, from their end on", None)
    FAILED = Period("executions that failed", None)
    CANCELLED = Period("executions that were cancelled", None)
    TIMEOUT = Period("executions that ran out of time", None)
    SKIPPED = Period("executions that were skipped", None)
    AUDIT_EVENTS = Period("lines of the audit log", 365, least=30)

    def __str__(self) -> str:
        return self.name.lower()

    @property
    def status(self) -> ExecutionStatus | None:
        """The status of the executions that it is about; None where it is not about executions."""
        return None if self is Kept.AUDIT_EVENTS else ExecutionStatus(str(self))

    @classmethod
    def named(cls, name: str) -> Self:
        """Return what has a name.

        Raises:
            ValueError: Nothing has; the message names what there is.
        """
        known = {str(kept): kept for kept in cls}
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")
        return known[name]


Retention = Mapping[Kept, int | None]
"""Days; None is for ever."""

DEFAULTS: Retention = MappingProxyType({kept: kept.value.default for kept in Kept})


def read_period(text: str) -> tuple[Kept, int | None]:
    """Return what ``name=days`` or ``name=forever`` sets.

    Raises:
        ValueError: The text sets nothing; the message is for a person.
    """
    name, _, value = (part.strip() for part in text.partition("="))
    kept = Kept.named(name)
    if value == FOR_EVER:
        return kept, None
    if not (value.isascii() and value.isdigit()) or not kept.value.least <= int(value) <= MOST_DAYS:
        raise ValueError(f"{kept} must be a number of days from {kept.value.least} to {MOST_DAYS}, or {FOR_EVER}")
    return kept, int(value)


def read_retention(texts: Iterable[str]) -> Retention:
    """Return the defaults with those that each ``name=days`` changes.

    Raises:
        ValueError: A text can't be used; the message is for a person.
    """
    return {**DEFAULTS, **dict(map(read_period, texts))}
