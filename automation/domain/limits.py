"""Limits of what one tenant may use: the one register of them, with their defaults.

Each has its default here, which the setting ``AUTOMATION_TENANT_LIMITS`` changes for all tenants, and a command for one
tenant. A new limit is a line here, and the code that asks for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a limit can be.

    Args:
        of: What it limits, for a person.
        unit: What it counts; empty where it is a ratio.
        default: Its value where nobody has said another; None for no limit.
        least: The smallest value.
        most: The greatest value.
    """

    of: str
    unit: str
    default: int | None
    least: int = 1
    most: int = 1_000_000_000


class Limit(Enum):
    """What a tenant's use is limited by; people write its name in lower case."""

    WEIGHT = Bounds("its turns, and its share of a worker's slots, beside others with 10", "", 10, most=100)
    MAX_RUNNING = Bounds("executions that workers run at the same time", "executions", None)
    MAX_PENDING = Bounds("executions that wait for a worker", "executions", 10_000)
    MAX_RUN_SECONDS = Bounds("an execution's time from its start, waits included", "seconds", 2_592_000)
    MAX_ACTIONS_SECONDS = Bounds("an execution's time in its actions, all tries together", "seconds", 14_400)

    def __str__(self) -> str:
        return self.name.lower()


Limits = Mapping[Limit, int]
"""Values of limits; one that is absent does not limit anything."""

DEFAULTS: Limits = MappingProxyType(
    {limit: limit.value.default for limit in Limit if limit.value.default is not None},
)
"""What a tenant may use where nobody has said anything else."""


def limit_named(name: str) -> Limit:
    """Return the limit of a name.

    Raises:
        ValueError: There is none; the message names those that there are.
    """
    for limit in Limit:
        if str(limit) == name:
            return limit
    raise ValueError(f"{name!r} is none of {', '.join(map(str, Limit))}")


def read_limit(text: str) -> tuple[Limit, int]:
    """Return the limit and the value that ``name=value`` sets.

    Raises:
        ValueError: The text sets none; the message is for a person.
    """
    name, _, value = text.partition("=")
    limit = limit_named(name.strip())
    bounds = limit.value
    if not (value.strip().isascii() and value.strip().isdigit()) or not bounds.least <= int(value) <= bounds.most:
        raise ValueError(f"{limit} must be a number from {bounds.least} to {bounds.most}")
    return limit, int(value)


def read_defaults(texts: Iterable[str]) -> Limits:
    """Return the defaults with those that each ``name=value`` changes.

    Raises:
        ValueError: A text can't be used; the message is for a person.
    """
    given = dict(map(read_limit, texts))
    if Limit.WEIGHT in given:
        raise ValueError("weight can't be changed for all tenants: it is a ratio between them")
    return {**DEFAULTS, **given}
