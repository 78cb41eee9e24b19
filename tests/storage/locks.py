"""Locks that a test holds until somebody waits for them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg

from tests.storage.runner import Runner

T = TypeVar("T")
Transaction = psycopg.AsyncConnection[tuple[object, ...]]


@asynccontextmanager
async def somebody_else(runner: Runner) -> AsyncIterator[Transaction]:
    """Give a transaction that is committed at the end."""
    async with await psycopg.AsyncConnection.connect(runner.urls.admin) as connection:
        yield connection


async def waiting(runner: Runner, other: Transaction, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Begin something, and return when a statement of it waits for what the other transaction holds."""
    task = asyncio.create_task(work)
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(runner.urls.admin, autocommit=True) as admin:
        query = b"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
        while await (await admin.execute(query, (other.info.backend_pid,))).fetchone() != (True,):
            assert not task.done(), "it did not wait"
            await asyncio.sleep(0.01)
    return task
