"""As little as a Python service can do: bare Starlette, one statement, and JSON that PostgreSQL built.

The key, the permission and the tenant are checked; nothing is validated. ``app`` reads as a role that row-level
security doesn't bind, ``secured`` as the service's own role, through the functions that the service has.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

POOL = 20

_SQL = Path(__file__).parent / "sql"


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    pool = AsyncConnectionPool(
        kwargs={"autocommit": True, "prepare_threshold": 0}, min_size=POOL, max_size=POOL, open=False
    )
    async with pool:
        app.state.pool = pool
        yield


async def _get_execution(statement: str, request: Request) -> Response:
    key = request.headers.get("x-api-key")
    if key is None:
        return Response(status_code=401)
    parameters = {"digest": sha256(key.encode()).digest(), "id": request.path_params["id"]}
    async with request.app.state.pool.connection() as connection:
        cursor = connection.cursor(binary=True)
        row = await (await cursor.execute(statement, parameters)).fetchone()
    if row is None:
        return Response(status_code=401)
    permitted, document = row
    if not permitted:
        return Response(status_code=403)
    if document is None:
        return Response(status_code=404)
    return Response(document, media_type="application/json")


def _application(statement: str) -> Starlette:
    path = "/api/v1/automation/executions/{id:uuid}"
    return Starlette(routes=[Route(path, partial(_get_execution, statement))], lifespan=_lifespan)


app = _application((_SQL / "floor.sql").read_text().replace("<document>", (_SQL / "document.sql").read_text()))
secured = _application((_SQL / "floor_secured.sql").read_text())
