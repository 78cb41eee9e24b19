"""A change of the contract: where it is, what changed, by which rule, and whether it breaks clients."""

from dataclasses import dataclass
from enum import StrEnum

ELEMENT = "[]"
"""The step from an array to its elements; every other step is a property's name."""


class Direction(StrEnum):
    """Who writes what a schema describes: clients in requests, the service in responses."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a contract something is.

    Args:
        operation: The operation's name, or ``servers`` for what is of no single operation.
        part: One of the operation's parts, as ``contracts.parts`` names them; empty for the operation itself.
        steps: The way into the part's schema, where it is about that.
    """

    operation: str
    part: str = ""
    steps: tuple[str, ...] | None = None

    @property
    def direction(self) -> Direction:
        """Whether the place is in what clients send or in what they get."""
        return Direction.RESPONSE if self.part.startswith("response") else Direction.REQUEST


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two contracts, at one place."""

    place: Place
    what: str
    rule: str
    breaking: bool = True
