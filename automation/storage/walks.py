"""Walks: how a list is read page by page, along indexes that have its order, whatever its filters (decision 28).

One statement walks several times at once: once for each status, say, or for each pair of a rule and a status. Each
walk ends with a page's rows, and they are merged. A filter that no index finds is looked at on the way; then a walk
also ends when it has used its budget up, and how far all of them came is told by a statement of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    TableValuedAlias,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import psycopg

from automation.domain.pages import LARGEST_TOTAL, PageRequest

Columns = Any
"""The columns of a subquery, by their names."""
Condition = Callable[[Columns], ColumnElement[bool]]

BUDGET = 10_000
"""How many rows a page looks at, all walks together, where filters are looked at on the way."""
SHORTEST = 250
"""How many rows each walk may look at in any case."""

_DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]
_ROWS, _BUDGET = bindparam("rows", type_=Integer()), bindparam("budget", type_=Integer())
_BUDGET_BUT_ONE = bindparam("budget_but_one", type_=Integer())
_ONE, _COUNTED = literal_column("1", Integer()), literal_column(str(LARGEST_TOTAL + 1), Integer())
_AT, _ID = bindparam("at", type_=DateTime(timezone=True)), bindparam("at_id", type_=Uuid())


@dataclass(frozen=True, slots=True)
class Order:
    """Which way rows are read, and whether a position bounds them: None, or how its own row is taken."""

    upward: bool
    bound: str | None

    @classmethod
    def of(cls, request: PageRequest) -> "Order":
        """Return the order in which a page's rows are read."""
        if request.cursor is None:
            return cls(request.upward, None)
        return cls(request.upward, "inclusive" if request.cursor.inclusive else "exclusive")


@dataclass(frozen=True, slots=True)
class Walk:
    """The walks of one kind of list.

    Args:
        walked: A row for each walk, called ``walked``.
        rows: The rows of one walk, which may name the columns of ``walked`` as text; their time of creation and their
            id are labelled ``created_at`` and ``id``.
        place: The columns of these two in the table that is walked.
        conditions: What else is looked at on the way.
    """

    walked: TableValuedAlias
    rows: Select[Any]
    place: tuple[ColumnElement[Any], ColumnElement[Any]]
    conditions: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one kind of list, as psycopg takes them; ``stop`` is None where walks have no budget."""

    page: bytes
    stop: bytes | None
    total: bytes


def statements(walk: Walk, order: Order, shown: Callable[[Columns], Sequence[ColumnElement[Any]]]) -> Statements:
    """Return the statements of a kind of list.

    Args:
        walk: Where its rows are.
        order: The order in which they are read.
        shown: The columns that are made of a row on the page, beside ``created_at`` and ``id``.
    """
    page = _merged(walk, _one(walk, _bounded(walk, order), order, _ROWS), order, _ROWS).subquery("page")
    columns = select(page.c.created_at, page.c.id, *shown(page.c)).order_by(*_by(page.c.created_at, page.c.id, order))
    return Statements(
        page=_compiled(columns),
        stop=_compiled(_stop(walk, order)) if walk.conditions else None,
        total=_compiled(_total(walk)),
    )


def bounds(request: PageRequest, walks: int) -> Mapping[str, object]:
    """Return the values that the statements of a page take for the position, the rows and the budget."""
    position = None if request.cursor is None else request.cursor.position
    budget = max(SHORTEST, BUDGET // walks)
    return {
        "rows": request.limit + 1,
        "budget": budget,
        "budget_but_one": budget - 1,
        **({} if position is None else {"at": position.time, "at_id": position.id}),
    }


def _one(walk: Walk, rows: Select[Any], order: Order | None, limit: ColumnElement[int]) -> FromClause:
    if not walk.conditions:
        return _ordered(rows, *walk.place, order).limit(limit).lateral("walk")
    looked_at = _ordered(rows, *walk.place, order)
    looked = (looked_at if order is None else looked_at.limit(_BUDGET)).lateral("looked")
    kept = select(looked).where(*(condition(looked.c) for condition in walk.conditions))
    return _ordered(kept, looked.c.created_at, looked.c.id, order).limit(limit).lateral("walk")


def _merged(walk: Walk, one: FromClause, order: Order, limit: ColumnElement[int]) -> Select[Any]:
    """Return the first rows of all walks together."""
    merged = select(one).select_from(walk.walked.join(one, true()))
    return merged.order_by(*_by(one.c.created_at, one.c.id, order)).limit(limit)


def _stop(walk: Walk, order: Order) -> Select[Any]:
    """Return the statement for how far all walks came: the earliest end of one that used its budget up."""
    created_at, identifier = walk.place
    rows = _bounded(walk, order).with_only_columns(created_at.label("created_at"), identifier.label("id"))
    last = _ordered(rows, *walk.place, order).offset(_BUDGET_BUT_ONE).limit(_ONE).lateral("walk")
    return _merged(walk, last, order, _ONE)


def _total(walk: Walk) -> Select[Any]:
    one = _one(walk, walk.rows, None, _COUNTED)
    counted = select(one.c.id).select_from(walk.walked.join(one, true())).limit(_COUNTED).subquery("counted")
    return select(func.count().label("count")).select_from(counted)


def _bounded(walk: Walk, order: Order) -> Select[Any]:
    if order.bound is None:
        return walk.rows
    here, there = tuple_(*walk.place), tuple_(_AT, _ID)
    if order.bound == "inclusive":
        return walk.rows.where(here >= there if order.upward else here <= there)
    return walk.rows.where(here > there if order.upward else here < there)


def _ordered(
    rows: Select[Any], created_at: ColumnElement[Any], identifier: ColumnElement[Any], order: Order | None
) -> Select[Any]:
    return rows if order is None else rows.order_by(*_by(created_at, identifier, order))


def _by(
    created_at: ColumnElement[Any], identifier: ColumnElement[Any], order: Order
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    if order.upward:
        return created_at.asc(), identifier.asc()
    return created_at.desc(), identifier.desc()


def _compiled(statement: Select[Any]) -> bytes:
    """Return a statement as psycopg takes it; every value in it has a name, and comes with each execution."""
    made = statement.compile(dialect=_DIALECT)
    constants = [name for name, value in made.params.items() if value is not None]
    if constants:
        raise ValueError(f"constants in a list's statement are literals, not parameters: {', '.join(constants)}")
    return str(made).encode()
