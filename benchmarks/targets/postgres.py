"""A pool of asyncpg connections, and what its peers read with them; reached with libpq's variables."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from links import links_of

POOL = 20

_READ = (Path(__file__).parent / "sql" / "read.sql").read_text()


async def open_pool() -> asyncpg.Pool:
    return await asyncpg.create_pool(min_size=POOL, max_size=POOL, init=_read_json)


async def _read_json(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads)


async def read(pool: asyncpg.Pool, key: str, execution_id: UUID) -> asyncpg.Record | None:
    """Return whether a key may read, and the execution of its tenant; None for a key that isn't accepted."""
    return await pool.fetchrow(_READ, sha256(key.encode()).digest(), execution_id)


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """Return the execution's fields, without any check that they are what the contract says."""
    execution = dict(row)
    del execution["may_read"]
    results = execution.pop("results")
    if results is not None:
        execution["execution_context"] = {"actions": results}
    execution["logs"] = execution["logs"] or []
    execution["_links"] = links_of(row["execution_id"], row["automation_rule_id"], row["status"])
    return execution
