"""Hooks: addresses at which other systems start a rule, each known by its token."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

from automation.domain.allowance import Allowance

PREFIX = "hook_"
"""What tokens begin with, for whoever looks for secrets in places where none should be."""

OVERLAP_SECONDS = 86_400
"""For how long the token before a new one is taken, where nobody says otherwise."""

_RANDOM_BYTES = 32
_token = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class HookToken:
    """A new token: the text to show once, and its SHA-256, which is what is kept of it."""

    plaintext: str = field(repr=False)
    digest: bytes

    @classmethod
    def generate(cls) -> Self:
        """Return a new one: 256 bits from the operating system's random source."""
        plaintext = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        return cls(plaintext, hook_digest(plaintext))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """The hook that a request's token stands for.

    Args:
        tenant: Whose it is.
        rule_id: The rule that it starts.
        config: What the rule's trigger is set to (contract component ``WebhookTriggerConfig``).
        secret: The value of the secret that the settings' ``verification`` names; None where there is none, or where it
            can't be read here.
        requests: The tenant's own limit on requests a minute, where it has one.
        allowances: What requests count against, in this process.
    """

    tenant: UUID
    rule_id: UUID
    config: Mapping[str, Any]
    secret: str | None = field(default=None, repr=False)
    requests: int | None = None
    allowances: tuple[Allowance, ...] = field(default=(), compare=False, repr=False)


def is_token(text: str) -> bool:
    """Say whether a text has the form of a token."""
    return _token.fullmatch(text) is not None


def without_tokens(text: str) -> str:
    """Return a text in which nothing is left of a token but that it was one."""
    return _token.sub(f"{PREFIX}***", text)


def hook_digest(token: str) -> bytes:
    """Return what a token is found by, whether or not there is such a hook."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
