"""Procrastinate without the service: its tables, its worker, on uvloop and with LISTEN, and what sends it jobs.

Usage: procrastinate_jobs.py setup | worker | trigger TASK
"""

import asyncio
import sys

import uvloop
from jobs import CONCURRENCY, TABLE, now, said
from procrastinate_tasks import app, http, results

DEFERRING = 8
"""How many jobs are sent at a time."""


async def setup() -> None:
    """Make the tables."""
    async with app.open_async(), results:
        await app.schema_manager.apply_schema_async()
        async with results.connection() as connection:
            await connection.execute(TABLE)


async def work() -> None:
    """Run jobs until SIGTERM."""
    async with app.open_async(), results, http:
        await app.run_worker_async(concurrency=CONCURRENCY)


async def trigger(task: str) -> None:
    """Send a job for each line of standard input, which is its name."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    at_once = asyncio.Semaphore(DEFERRING)
    configured = app.configure_task(task)

    async def send(name: str) -> None:
        async with at_once:
            sent = now()
            await configured.defer_async(name=name)
            said(name, sent)

    async with app.open_async(), asyncio.TaskGroup() as group:
        while line := await lines.readline():
            group.create_task(send(line.decode().strip()))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run({"setup": setup, "worker": work, "trigger": trigger}[sys.argv[1]](*sys.argv[2:]))
