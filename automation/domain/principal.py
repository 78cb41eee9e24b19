"""The principal: the caller that an accepted API key stands for."""

from dataclasses import dataclass, field
from uuid import UUID

from automation.domain.allowance import Allowance


@dataclass(frozen=True, slots=True)
class Principal:
    """The user behind an accepted API key, the one tenant it may see, and what it may do there.

    ``permissions`` are ``resource:action`` strings as the database holds them: a permission that this version does not
    know is carried and never matches. ``key_prefix`` is the key's public display prefix, safe to log. ``allowances``
    are the limits that its requests count against, in this process.
    """

    tenant: UUID
    user: UUID
    permissions: frozenset[str]
    key_prefix: str
    allowances: tuple[Allowance, ...] = field(default=(), compare=False, repr=False)
