"""Requests that may be sent again: what tells one from another, and the answer that is given to it each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    """A request with an ``Idempotency-Key``.

    Each user has keys of their own. A digest is the same for the same request and for no other; the first of
    ``digests`` is kept, and any of them tells that it is the same.
    """

    tenant: UUID
    user: UUID
    key: str
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent, without what belongs to the single request, such as its id.

    ``kept`` is what is kept of one that shows something once only, and is given to whoever asks again.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    kept: "Answer | None" = None
