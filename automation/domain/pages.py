"""Pages of lists: where they begin, what is on them, and where they lead."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

T = TypeVar("T")

NO_ID = UUID(int=0)
LARGEST_TOTAL = 10_000
"""What is more than that is not counted."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REVISION_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Position:
    """Where an item is in a list: after all with a lower number, and among those with the same, by its id.

    ``number`` is what the list is ordered by: the microseconds since 1970 of an immutable time, or a number that no two
    items share, for which ``id`` is left as it is.
    """

    number: int
    id: UUID = NO_ID

    @classmethod
    def at(cls, time: datetime, id: UUID) -> Self:
        """Return the position of an item in a list that is ordered by a time and the id."""
        return cls((time - _EPOCH) // _MICROSECOND, id)

    @property
    def time(self) -> datetime:
        """The time, in UTC, in a list that is ordered by one."""
        return _EPOCH + self.number * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after a position in the list's order, or, ``backward``, before it.

    ``inclusive`` says that the item at the position belongs to the page itself.
    """

    position: Position
    backward: bool = False
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is asked for: from the beginning where ``cursor`` is None, at most ``limit`` items.

    ``known`` is the revision of the page that the client has.
    """

    limit: int
    ascending: bool = False
    cursor: Cursor | None = None
    include_total: bool = False
    known: str | None = None

    @property
    def backward(self) -> bool:
        """Whether the page before a position is asked for."""
        return self.cursor is not None and self.cursor.backward

    @property
    def number_before(self) -> int:
        """The number that is passed last before the page is read, in a list that is ordered by numbers from 1 on."""
        if self.cursor is None:
            return 0
        itself = 0 if not self.cursor.inclusive else 1 if self.backward else -1
        return self.cursor.position.number + itself

    @property
    def upward(self) -> bool:
        """Whether the rows are read in ascending order: a page before a position is read against the list's order."""
        return self.ascending != self.backward


@dataclass(frozen=True, slots=True)
class Total:
    """How many items all pages have together; where it is not ``exact``, at least so many."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page: its items in the list's order, and the cursors of its neighbours, None where there is none.

    ``revision`` is another one after each change of what is on the page or of where it leads. Where it is the one that
    the request knows, there is nothing else.
    """

    items: Sequence[T]
    next: Cursor | None
    previous: Cursor | None
    total: Total | None = None
    revision: str = ""


def known_page(revision: str) -> Page[Any]:
    """Return a page of which the client knows everything."""
    return Page((), None, None, revision=revision)


def revision_of(*parts: object) -> str:
    """Return the revision of what is made of these parts, which are told apart by what is written of them."""
    written = "\n".join(map(repr, parts))
    return hashlib.sha256(written.encode()).hexdigest()[:_REVISION_CHARACTERS]


def given(wanted: Any) -> dict[str, Any]:
    """Return the filters of a list that there are, by their names."""
    values = {each.name: getattr(wanted, each.name) for each in fields(wanted)}
    return {name: value for name, value in values.items() if value is not None and value != ()}


def page_of(
    request: PageRequest,
    found: Sequence[tuple[Position, T]],
    *,
    stop: Position | None = None,
    total: Total | None = None,
    revision: str = "",
) -> Page[T]:
    """Return the page that rows make.

    Args:
        request: What was asked for.
        found: One row more than the page may have, where there are as many, in the order in which they were read.
        stop: How far was looked where that is not all: rows beyond it are not known to be complete.
        total: How many rows there are on all pages.
        revision: Of the rows and all the others.
    """
    complete = [each for each in found if stop is None or _reached(each[0], stop, upward=request.upward)]
    shown = complete[: request.limit]
    further = shown[-1][0] if len(complete) > request.limit else stop
    onward = None if further is None else Cursor(further, backward=request.backward)
    if request.backward:
        shown.reverse()
    back = _back(request, [position for position, _ in shown])
    following, previous = (back, onward) if request.backward else (onward, back)
    return Page([item for _, item in shown], following, previous, total, revision)


def _reached(position: Position, stop: Position, *, upward: bool) -> bool:
    place, end = (position.number, position.id.int), (stop.number, stop.id.int)
    return place <= end if upward else place >= end


def _back(request: PageRequest, shown: Sequence[Position]) -> Cursor | None:
    """Return the cursor of the page that one comes from; None for the first page of all."""
    if request.cursor is None:
        return None
    if not shown:
        return Cursor(request.cursor.position, backward=not request.backward, inclusive=not request.cursor.inclusive)
    return Cursor(shown[-1 if request.backward else 0], backward=not request.backward)
