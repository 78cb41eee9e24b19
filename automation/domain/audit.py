"""Events of the audit log: who did what to what, from where, and whether it was done or refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class AuditActor(StrEnum):
    """Who does something: a user, by an API key, an operator, by a command, or another system, by a hook's token."""

    USER = "user"
    OPERATOR = "operator"
    HOOK = "hook"


class AuditOutcome(StrEnum):
    """What came of it."""

    DONE = "done"
    REFUSED = "refused"


class AuditResource(StrEnum):
    """Kinds of what something is done to."""

    EXECUTION = "execution"
    KEY = "key"
    RULE = "rule"
    SECRET = "secret"  # noqa: S105 - a kind
    TENANT = "tenant"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody is about to do: all of an event but what comes of it.

    ``user`` and ``key_prefix`` are None for another system, which a hook lets in.
    ``resource_id`` is None where what it is done to isn't named by the request: it is made by it, or there are several.
    """

    tenant: UUID
    user: UUID | None
    key_prefix: str | None
    action: str
    resource_type: AuditResource
    resource_id: str | None
    client_address: str | None
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A deed that was refused: why, and when, as a reading of ``time.monotonic()``."""

    deed: Deed
    code: str | None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One line of the audit log, as the contract's component ``AuditEvent``."""

    event_id: UUID
    created_at: datetime
    action: str
    outcome: AuditOutcome
    code: str | None
    actor: AuditActor
    user_id: UUID | None
    key_prefix: str | None
    operator: str | None
    resource_type: AuditResource
    resource_id: str | None
    client_address: str | None
    request_id: str | None
    details: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What narrows the list of events; None and () are no filter."""

    action: tuple[str, ...] = ()
    outcome: str | None = None
    actor: str | None = None
    user_id: UUID | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
