"""Limits of what one tenant may use: the one register of them, with their defaults.

Each has its default here, which the setting ``AUTOMATION_TENANT_LIMITS`` changes for all tenants, and a command for one
tenant. A new limit is a line here, and the code that asks for it; ``tenant_usage_v1.sql`` shows what is used of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

_PETABYTE = 10**15


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
    REQUESTS_PER_MINUTE = Bounds("requests with its keys that are accepted, in a minute", "requests", 600_000)
    MAX_RULES = Bounds("rules that are not deleted", "rules", 10_000)
    MAX_RULE_VERSIONS = Bounds("versions of all rules together, all of which are kept", "versions", 100_000)
    EXECUTIONS_PER_DAY = Bounds("executions and retries that are asked for, in a day of UTC", "executions", 1_000_000)
    MAX_STORED_BYTES = Bounds(
        "rule versions, and data, results and logs of executions that have ended",
        "bytes",
        100 * 1024**3,
        most=_PETABYTE,
    )
    MAX_ANSWER_BYTES = Bounds(
        "answers that are kept for repeated writes; beyond it, only that they were given",
        "bytes",
        256 * 1024**2,
        most=_PETABYTE,
    )
    MAILS_PER_DAY = Bounds("recipients of mail, in a day of UTC", "mails", 10_000)
    MAX_SECRETS = Bounds("secrets", "secrets", 100, most=10_000)
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


@dataclass(frozen=True, slots=True)
class LimitInUse:
    """A limit as it is for one tenant.

    ``value`` is None where nothing is limited, ``own`` whether it is the tenant's own; ``used`` is how much of it is
    used, None of one that is not used up.
    """

    limit: Limit
    value: int | None
    own: bool
    used: int | None


def limits_in_use(found: Iterable[tuple[str, int | None, int | None]], defaults: Limits) -> list[LimitInUse]:
    """Return every limit of a tenant.

    Args:
        found: For some limits, by name, what is used of it and the tenant's own value.
        defaults: What a tenant may use that has no limits of its own.
    """
    known = {name: (used, own) for name, used, own in found}
    rows = [(limit, *known.get(str(limit), (None, None))) for limit in Limit]
    return [
        LimitInUse(limit, defaults.get(limit) if own is None else own, own is not None, used)
        for limit, used, own in rows
    ]


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
