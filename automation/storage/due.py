"""Finds executions of any tenant that need a worker, and writes jobs for them; removes answers whose time is over."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from automation.storage.pool.database import Database
from automation.storage.pool.encoding import uuid_array

# Executions of any tenant that need a worker, each with a job from now on.
_SWEEP = b"SELECT tenant, execution_id, attempt FROM sweep_due_executions_v1(p_limit => %(limit)s)"
# Answers of any tenant whose time is over go.
_PRUNE = b"SELECT prune_idempotency_records_v1(p_limit => %(limit)s)"
# Whether a job waits of a tenant that is none of these.
_OTHERS_WAIT = b"SELECT others_wait_v1(p_tenants => %(tenants)s::uuid[])"


class DueExecution(NamedTuple):
    """An execution that needs a worker, and its attempt."""

    tenant: UUID
    execution_id: UUID
    attempt: int


class Due:
    """Executions of any tenant that need a worker, and answers that nobody needs any more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sweep(self, limit: int) -> list[DueExecution]:
        """Write a job for each execution that is due, and return them.

        Due are those whose worker let the lease run out, whose wait or whose time is over, and those that have been
        pending for 10 s without being claimed. None is returned to two sweeps at once, or again within 10 s.

        Args:
            limit: How many at the most. Where as many are returned, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        return await self._database.fetch_rows(_SWEEP, {"limit": limit}, rows=class_row(DueExecution))

    async def prune(self, limit: int) -> int:
        """Remove answers to requests with an ``Idempotency-Key`` whose time is over, and return how many.

        Args:
            limit: How many at the most. Where as many were removed, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        return await self._database.fetch_one(_PRUNE, {"limit": limit}, scalar_row) or 0

    async def others_wait(self, tenants: Collection[UUID]) -> bool:
        """Return whether a job waits of a tenant that is none of these.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        named = {"tenants": uuid_array(list(tenants))}
        return bool(await self._database.fetch_one(_OTHERS_WAIT, named, scalar_row))
