"""Attacks on the database: it hesitates, is locked, loses its backends, refuses connections, and hears nonsense."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from tests.databases import DatabaseUrls
from tests.system.hostile.arena import Arena
from tests.system.hostile.attacks import Attack, Target
from tests.system.hostile.bounds import Concession
from tests.system.open_loop import OpenLoop
from tests.system.processes import frozen

_CROWD, _LONGEST = 200.0, 10.0
_STALE = (1.5, 2.2)
"""Seconds after which a look-up of a key is still answered, and its answer too old for who asks as it comes."""
_OUTAGE = Concession(refusals=True, slowness=True, started=15.0)
_TERMINATE = sql.SQL(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = {} AND pid <> pg_backend_pid()"
)
_TABLES = ("api_keys", "automation_rules", "automation_executions", "idempotency_records")
_WANTED = (
    "CREATE TEMPORARY TABLE wanted (number integer)",
    "CREATE TABLE public.wanted (number integer)",
    "SELECT lo_create(0)",
    "SELECT pg_read_file('postgresql.conf')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user",
)
_CHANNELS = ("procrastinate_queue_v1#executions", "procrastinate_any_queue_v1", "automation_keys")


class DatabasePauses(Attack):
    """The database stops for 0.3 to 3 s, and twice until what was said of a key is too old to be relied on."""

    target = Target.DATABASE
    concession = _OUTAGE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        for seconds in (chance.uniform(0.3, 3.0), *(chance.uniform(*_STALE) for _ in range(2))):
            pid = arena.server.postmaster_pid()
            assert pid is not None
            async with _crowd(arena):
                await asyncio.sleep(0.3)
                with frozen(pid):
                    await asyncio.sleep(seconds)
                await asyncio.sleep(chance.uniform(0.5, 1.0))
        return []


class DatabaseKilled(Attack):
    """The database is killed, and started again after up to 2 s: what it acknowledged is there."""

    target = Target.DATABASE
    concession = _OUTAGE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        pid = arena.server.postmaster_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        await asyncio.to_thread(arena.server.resume)
        return []


class TableLocked(Attack):
    """A table that requests need is locked for 1 to 4 s."""

    target = Target.DATABASE
    concession = _OUTAGE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        table = chance.choice(_TABLES)
        async with _crowd(arena), _connected(arena.urls.admin) as admin, admin.transaction():
            await admin.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
            await asyncio.sleep(chance.uniform(1.0, 4.0))
        return []


class BackendsKilled(Attack):
    """Every connection to the database is ended, a few times."""

    target = Target.DATABASE
    concession = _OUTAGE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        killed = 0
        for _ in range(chance.randint(1, 4)):
            killed += await _terminate(arena.urls)
            await asyncio.sleep(chance.uniform(0.1, 0.8))
        return [] if killed else ["there was no connection to end"]


class ConnectionsRefused(Attack):
    """The database ends all connections and takes none for 0.5 to 2.5 s."""

    target = Target.DATABASE
    concession = _OUTAGE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        change = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        name = sql.Identifier(_name(arena.urls))
        async with _connected(arena.urls.admin, dbname="postgres") as admin:
            await admin.execute(change.format(name, sql.SQL("false")))
            try:
                await _terminate(arena.urls)
                await asyncio.sleep(chance.uniform(0.5, 2.5))
            finally:
                await admin.execute(change.format(name, sql.SQL("true")))
        return []


class LoginStolen(Attack):
    """Whoever has the API's login wants more than the API does: tables, large objects, files, others' sessions."""

    target = Target.DATABASE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        done = []
        async with _connected(arena.urls.api) as api:
            for statement in chance.sample(_WANTED, len(_WANTED)):
                try:
                    await api.execute(statement)
                except psycopg.errors.InsufficientPrivilege:
                    continue
                done.append(f"the API's login may {statement}")
        return done


class NonsenseNotified(Attack):
    """The API's own login sends nonsense on every channel that somebody listens on."""

    target = Target.DATABASE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        async with _connected(arena.urls.api) as api:
            for number in range(40):
                nonsense = chance.choice(["", "{", "null", "[]", '{"type": 7}', '{"type": "job_inserted"}', "x" * 7000])
                await api.execute("SELECT pg_notify(%s, %s)", (_CHANNELS[number % len(_CHANNELS)], nonsense))
        return []


@asynccontextmanager
async def _crowd(arena: Arena) -> AsyncIterator[None]:
    """Have many ask with one key, at an even pace: whoever waits for answers asks least when it matters."""
    greedy = arena.greedy
    load = OpenLoop(arena.base_url, greedy.small, {"x-api-key": greedy.tenant.key}, _CROWD)
    asking = asyncio.create_task(load.run(_LONGEST))
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.wait({asking})


@asynccontextmanager
async def _connected(url: str, **options: Any) -> AsyncIterator["psycopg.AsyncConnection[tuple[Any, ...]]"]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, **options) as connection:
        yield connection


async def _terminate(urls: DatabaseUrls) -> int:
    async with _connected(urls.admin, dbname="postgres") as admin:
        cursor = await admin.execute(_TERMINATE.format(sql.Literal(_name(urls))))
        row = await cursor.fetchone()
        return 0 if row is None else int(row[0])


def _name(urls: DatabaseUrls) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(urls.admin)["dbname"])
