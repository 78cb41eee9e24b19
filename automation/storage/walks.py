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
    Table,
    TableValuedAlias,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array, psycopg

from automation.domain.pages import LARGEST_TOTAL, PageRequest

Columns = Any
"""The columns of a subquery, by their names."""
Condition = Callable[[Columns], ColumnElement[bool]]

BUDGET = 10_000
"""How many rows a page looks at, all walks together, where filters are looked at on the way."""
SHORTEST = 250
"""How many rows each walk may look at in any case."""
REST = "."
"""What the revision of a page's rows ends with, in that of the page."""

_DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]
_ROWS, _BUDGET = bindparam("rows", type_=Integer()), bindparam("budget", type_=Integer())
_BUDGET_BUT_ONE = bindparam("budget_but_one", type_=Integer())
_ONE, _COUNTED = literal_column("1", Integer()), literal_column(str(LARGEST_TOTAL + 1), Integer())
_KNOWN = bindparam("known", type_=Text())
# Of all rows that were read, in their order, as many characters as revisions have.
_REVISION = """left(encode(sha256(convert_to(
    string_agg(concat_ws('.', {parts}), ',' ORDER BY page.created_at, page.id), 'UTF8')), 'hex'), 32)"""
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
            id are labelled ``created_at`` and ``id``, and the transaction that wrote them last ``written``.
        place: The columns of these two in the table that is walked.
        conditions: What else is looked at on the way.
        progress: The columns by which a row is told from what it was before, beside ``written``: where a database was
            set back, transactions are counted anew (decision 43).
    """

    walked: FromClause
    rows: Select[Any]
    place: tuple[ColumnElement[Any], ColumnElement[Any]]
    conditions: Sequence[Condition] = ()
    progress: Sequence[str] = ()


def written_by(table: Table) -> ColumnElement[Any]:
    """Return the transaction that wrote a row of a table last, labelled ``written``."""
    return literal_column(f"{table.name}.xmin", Text()).label("written")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a list's statements depend on: which filters there are, but not their values."""

    filters: frozenset[str]
    order: Order


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
        shown: The columns that are made of a row on the page, beside ``created_at`` and ``id``; none is made where the
            revision of all rows is ``known``.
    """
    page = _merged(walk, _one(walk, _bounded(walk, order), order, _ROWS), order, _ROWS).cte("page")
    parts = ", ".join(f"page.{name}" for name in ("id", "written", *walk.progress))
    # Materialized: else it is made anew for each row of the page.
    read = (
        select(literal_column(_REVISION.format(parts=parts), Text()).label("revision"))
        .select_from(page)
        .cte("read")
        .prefix_with("MATERIALIZED")
    )
    news = read.c.revision.is_distinct_from(_KNOWN)
    columns = select(
        page.c.created_at,
        page.c.id,
        read.c.revision,
        *(case((news, each)).label(each.name) for each in shown(page.c)),
    )
    columns = columns.select_from(page.join(read, true())).order_by(*_by(page.c.created_at, page.c.id, order))
    return Statements(
        page=_compiled(columns),
        stop=_compiled(_stop(walk, order)) if walk.conditions else None,
        total=_compiled(_total(walk)),
    )


def single_walk() -> TableValuedAlias:
    """Return what a list has that is walked once."""
    one = func.unnest(array([_ONE]))
    return one.table_valued(column("number", Integer())).render_derived(name="walked")


def bounds(request: PageRequest, walks: int) -> Mapping[str, object]:
    """Return the values that the statements of a page take for the position, the rows, the budget and what is known."""
    position = None if request.cursor is None else request.cursor.position
    budget = max(SHORTEST, BUDGET // walks)
    return {
        "rows": request.limit + 1,
        "budget": budget,
        "budget_but_one": budget - 1,
        "known": None if request.known is None else request.known.partition(REST)[0],
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
