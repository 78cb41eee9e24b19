"""Origin of an execution's attempt: who or what asked for it, and by which request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class TriggerKind(StrEnum):
    """What asked for an attempt (contract component ``TriggeredBy``)."""

    API_KEY = "api_key"
    EVENT = "event"
    RETRY = "retry"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who or what asked for an attempt of an execution.

    Args:
        kind: What it was.
        request_id: The id of the request by which it asked; None for what is no request.
        user: The user who did, where it was one.
        key_prefix: The public prefix of that user's API key.
        scheduled_at: The time, in UTC, at which a schedule was due.
    """

    kind: TriggerKind = TriggerKind.API_KEY
    request_id: str | None = None
    user: UUID | None = None
    key_prefix: str | None = None
    scheduled_at: datetime | None = None

    @property
    def triggered_by(self) -> Mapping[str, str]:
        """What the contract shows of it; what isn't known is absent."""
        due = None if self.scheduled_at is None else self.scheduled_at.isoformat().replace("+00:00", "Z")
        shown = {"type": self.kind, "user_id": self.user, "key_prefix": self.key_prefix, "scheduled_at": due}
        return {name: str(value) for name, value in shown.items() if value is not None}
