"""Events: what happened elsewhere (CloudEvents 1.0), which rules wait for, and what each of them has started."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from automation.domain.opaque import Opaque

MOST_IN_A_BATCH = 100
MOST_EXECUTIONS = 500
"""How many executions the events of one request create at the most, all of them in one transaction."""
MOST_TOLD = 5_000
"""How many executions an answer names at the most: of events that were seen, or are there twice, too."""
MOST_PAIRS = 10_000
"""How many pairs of an event and a rule whose trigger has conditions one request has looked at, at the most."""
MOST_STEPS = 500_000
"""How many steps all conditions and labels take for the events of one request: a few seconds, with their rests."""
MOST_SEGMENTS = 10
"""How many segments a type has before ``*`` at the most, in a rule."""
LONGEST_PREFIX = 256
"""How many characters of a source a rule can name."""
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it was published.

    Args:
        id: Its ``id``, which with its source says which event it is.
        source: Its ``source``.
        type: Its ``type``.
        trigger: All of it, as runs see it.
        place: The pointer to it in the body that it came in; None where that is its data, and headers say the rest.
    """

    id: str
    source: str
    type: str
    trigger: Opaque = field(repr=False)
    place: str | None = ""

    @property
    def digest(self) -> bytes:
        """What it is found by when it is published again: 32 bytes, however long its source and its id are."""
        return hashlib.sha256(f"{len(self.source)} {self.source}{self.id}".encode()).digest()

    @property
    def types(self) -> list[str]:
        """What a rule may write to wait for its type: the type, or the beginning of it up to a dot and then ``*``."""
        dots = islice((at for at, character in enumerate(self.type) if character == "."), MOST_SEGMENTS)
        return [self.type, ANY, *(f"{self.type[: at + 1]}{ANY}" for at in dots)]

    @property
    def sources(self) -> list[str]:
        """What a rule may write to wait for its source: any beginning of it; none at all is the empty one."""
        return [self.source[:length] for length in range(min(len(self.source), LONGEST_PREFIX) + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRule:
    """A rule that waits for an event, and the conditions that its trigger sets."""

    rule_id: UUID
    conditions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an event: the executions that it has started, by their rules."""

    event: Event
    started: Mapping[UUID, UUID]
