"""Reads a page of a list that is walked, and counts what all of its pages have together."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import DictRow, dict_row

from automation.domain.pages import (
    LARGEST_TOTAL,
    Page,
    PageRequest,
    Position,
    Total,
    known_page,
    page_of,
    revision_of,
)
from automation.storage.pool.causes import TookTooLong
from automation.storage.pool.database import Database
from automation.storage.walks import REST, Statements

T = TypeVar("T")

PATIENCE = 0.2
"""Seconds that counting may take."""


async def read_page(
    database: Database,
    request: PageRequest,
    made: Statements,
    values: Mapping[str, Any],
    item: Callable[[DictRow], T],
) -> Page[T]:
    """Return a page; where its revision is the one that the request knows, that alone.

    The revision is that of the rows, which the database compares, and one of all else that decides what is shown.

    Args:
        database: Where it is read, in one round trip; a total takes another, and so does a page of which the rows are
            known and the rest is not.
        request: Which page.
        made: The list's statements.
        values: The values that these take, the ``tenant`` among them.
        item: Makes an item of a row.

    Raises:
        Unavailable: where no database answers.
    """
    queries = [query for query in (made.page, made.stop) if query is not None]
    rows, *stops = await database.read(values["tenant"], *((query, values) for query in queries), rows=dict_row)
    stop = _position(stops[0][0]) if stops and stops[0] else None
    total = await total_of(database, made, values, at_least=len(rows)) if request.include_total else None
    of_rows = rows[0]["revision"] if rows else "none"
    revision = f"{of_rows}{REST}{revision_of(stop, total)}"
    if revision == request.known:
        return known_page(revision)
    if of_rows == values["known"]:
        return await read_page(database, replace(request, known=None), made, {**values, "known": None}, item)
    found = [(_position(row), item(row)) for row in rows]
    return page_of(request, found, stop=stop, total=total, revision=revision)


async def total_of(database: Database, made: Statements, values: Mapping[str, Any], *, at_least: int) -> Total:
    """Return how many items a list has; where counting takes too long, as many as are known."""
    tenant: UUID = values["tenant"]
    try:
        counted = await database.read(tenant, (made.total, values), rows=dict_row, patience=PATIENCE)
    except TookTooLong:
        return Total(at_least, exact=False)
    count: int = counted[0][0]["count"]
    return Total(min(count, LARGEST_TOTAL), exact=count <= LARGEST_TOTAL)


def _position(row: DictRow) -> Position:
    return Position.at(row["created_at"], row["id"])
