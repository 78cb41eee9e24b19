"""Secrets of tenants: values that rules send and nobody reads, each under a name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
"""A regular expression for a secret's name (contract component ``SecretName``)."""

LEAST_CHARACTERS = 8
"""Characters of the shortest value: a shorter one can't be told from other text where it is to be replaced."""

LARGEST_VALUE = 64 * 1024
"""Bytes of the largest value, in UTF-8."""

MOST_IN_A_RULE = 10
"""Secrets that one rule names at the most: what is stored of its runs is searched for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is known of a secret (contract component ``AutomationSecret``). Every time has a time zone.

    ``updated_by`` gave it its value, at ``updated_at``.
    """

    name: str
    created_by: UUID
    created_at: datetime
    updated_by: UUID
    updated_at: datetime
