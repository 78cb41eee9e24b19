"""Procrastinate's tasks, without the service: one that does nothing, and one that makes a call and stores its result.

As someone would write it who knows it: one HTTP client for all jobs, whose connections are kept, and a pool of
connections that are in autocommit, so that a result is one committed insert.
"""

import httpx
from jobs import CONCURRENCY, DATABASE, RECEIVER, STORE
from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool

app = App(connector=PsycopgConnector(conninfo=DATABASE, min_size=CONCURRENCY, max_size=CONCURRENCY))
results = AsyncConnectionPool(
    DATABASE, kwargs={"autocommit": True}, min_size=CONCURRENCY, max_size=CONCURRENCY, open=False
)
http = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=CONCURRENCY))


@app.task(name="nothing")
async def nothing(name: str) -> None:
    """Do nothing."""


@app.task(name="call")
async def call(name: str) -> None:
    """Call the receiver, and store what it answers."""
    answer = await http.post(f"{RECEIVER}/{name}", json={"name": name})
    async with results.connection() as connection:
        await connection.execute(STORE, (name, answer.status_code, answer.text))
