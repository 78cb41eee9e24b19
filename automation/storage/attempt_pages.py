"""Pages of the attempts of an execution, first to last."""

from uuid import UUID

from psycopg.rows import dict_row

from automation.domain.errors import ExecutionNotFound
from automation.domain.pages import Page, PageRequest, Position, known_page, page_of
from automation.storage.pool.database import Database

# A page of an execution's attempts, each as JSON; no row for no execution, and no attempt where all are known.
_ATTEMPTS = b"""
SELECT numbers, documents, cut, revision
FROM list_execution_attempts_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_after => %(after)s, p_backward => %(backward)s,
    p_limit => %(limit)s, p_most => %(most)s, p_known => %(known)s)
"""
LARGEST_PAGE = 1024 * 1024
"""Bytes of logs, errors and data, as JSON, of a page of attempts: before more it ends, but has one in any case."""


async def read_attempts(database: Database, tenant: UUID, execution_id: UUID, request: PageRequest) -> Page[bytes]:
    """Return a page, each attempt on it as JSON; where its revision is known, that alone.

    Raises:
        ExecutionNotFound: where this tenant has none of that id.
    """
    parameters = {
        "tenant": tenant,
        "execution": execution_id,
        "after": request.number_before,
        "backward": request.backward,
        "limit": request.limit,
        "most": LARGEST_PAGE,
        "known": request.known,
    }
    row = await database.fetch_one(_ATTEMPTS, parameters, dict_row)
    if row is None:
        raise ExecutionNotFound
    if row["revision"] == request.known:
        return known_page(row["revision"])
    found = [
        (Position(number), document.encode()) for number, document in zip(row["numbers"], row["documents"], strict=True)
    ]
    return page_of(request, found, stop=found[-1][0] if row["cut"] else None, revision=row["revision"])
