"""Counts the calls of functions that a request costs: the same on every machine and under every load.

`getAutomationExecution` is compared with a bare Starlette route that reads the same execution and checks nothing, in
the same process. `tests/system/test_cost.py` holds the service to a ratio of the two.

Usage: python benchmarks/cost.py DATABASE_URL TENANT EXECUTION KEY
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median_low
from types import FrameType
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from automation.service import logs
from automation.service.application import create
from automation.service.setting_types import LogFormat, LogLevel
from automation.service.settings import Settings

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


async def compare(url: str, tenant: UUID, execution: UUID, key: str) -> dict[str, int]:
    """Return the calls of one request: to the bare route, and to the service as it ships."""
    path = f"/api/v1/automation/executions/{execution}"
    return {
        "bare": await calls(bare_route(url, tenant), path, key),
        "service": await calls(create(Settings(database_url=SecretStr(url))), path, key),
    }


def bare_route(url: str, tenant: UUID) -> App:
    """Return an application that reads an execution and checks nothing."""
    pool = AsyncConnectionPool(url, min_size=1, max_size=1, open=False, kwargs={"autocommit": True})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with pool:
            yield

    async def read(request: Request) -> Response:
        async with pool.connection() as connection:
            statement = "SELECT document FROM get_execution_v1(%s, %s)"
            cursor = await connection.execute(statement, (tenant, UUID(request.path_params["id"])), prepare=True)
            row = await cursor.fetchone()
        return Response(row[0] if row else None, media_type="application/json")

    return Starlette(routes=[Route("/api/v1/automation/executions/{id}", read)], lifespan=lifespan)


async def calls(app: App, path: str, key: str) -> int:
    """Return the calls of the usual request, of a hundred.

    What the event loop does besides is in few of them, and so is an answer that was there before it was waited for.
    """
    async with served(app):
        return median_low([await _counted(app, path, key) for _ in range(100)])


@asynccontextmanager
async def served(app: App) -> AsyncIterator[None]:
    """Run an application's lifespan."""
    messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answers: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.ensure_future(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, messages.get, answers.put)
    )
    await messages.put({"type": "lifespan.startup"})
    await answers.get()
    yield
    await messages.put({"type": "lifespan.shutdown"})
    await running


async def no_body() -> dict[str, object]:
    """Receive a request's body that has nothing in it."""
    return {"type": "http.request", "body": b"", "more_body": False}


def request_scope(path: str, key: str) -> dict[str, Any]:
    """Return the ASGI scope of a GET request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"x-api-key", key.encode())],
    }


async def _counted(app: App, path: str, key: str) -> int:
    count = 0
    statuses = []

    def count_calls(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    scope = request_scope(path, key)
    sys.setprofile(count_calls)
    try:
        await app(scope, no_body, send)
    finally:
        sys.setprofile(None)
    if statuses != [200, None]:
        raise SystemExit(f"the request was answered with {statuses}")
    return count


if __name__ == "__main__":
    database_url, tenant_text, execution_text, plaintext = sys.argv[1:]
    with Path(os.devnull).open("w") as nowhere:
        logs.configure(LogFormat.JSON, LogLevel.INFO, nowhere)
        found = asyncio.run(compare(database_url, UUID(tenant_text), UUID(execution_text), plaintext))
    print(json.dumps(found))
