"""Finds executions of any tenant that need a worker, or that expired; removes answers whose time is over."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row, tuple_row

from automation.storage.pool.database import Database
from automation.storage.pool.encoding import uuid_array
from automation.storage.pool.patience import PATIENCE

# Executions of any tenant that need a worker, each with a job from now on.
_SWEEP = b"SELECT tenant, execution_id, attempt FROM sweep_due_executions_v1(p_limit => %(limit)s)"
# Executions of any tenant that had not begun when they expired; and the end of one of them.
_EXPIRED = b"SELECT tenant, execution_id FROM find_expired_executions_v1(p_limit => %(limit)s)"
_EXPIRE = b"""
SELECT expire_execution_v1(p_tenant => %(tenant)s, p_execution => %(execution)s, p_patience => %(patience)s)
"""
# Answers of any tenant whose time is over go.
_PRUNE = b"SELECT prune_idempotency_records_v1(p_limit => %(limit)s)"
# What is known of events of any tenant goes when its time is over.
_PRUNE_EVENTS = b"SELECT prune_events_v1(p_limit => %(limit)s)"
# Ends of runs of any tenant are counted.
_FOLD = b"SELECT fold_run_ends_v1(p_limit => %(limit)s)"
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

    async def expire(self, limit: int) -> int:
        """Skip executions that had not begun when they expired, tenants in turn, and return how many.

        Where a tenant itself holds for long what one needs, its others are left for the next time.

        Args:
            limit: How many at the most. Where there were as many, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        expired = await self._database.fetch_rows(_EXPIRED, {"limit": limit}, rows=tuple_row)
        held, ended = set[UUID](), 0
        for tenant, execution in expired:
            if tenant in held:
                continue
            asked = {"tenant": tenant, "execution": execution, "patience": PATIENCE}
            done = await self._database.fetch_one(_EXPIRE, asked, scalar_row)
            if done is None:
                held.add(tenant)
            else:
                ended += 1
        return ended

    async def prune(self, limit: int) -> int:
        """Remove answers to requests with an ``Idempotency-Key`` whose time is over, and return how many.

        Args:
            limit: How many at the most. Where as many were removed, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        return await self._database.fetch_one(_PRUNE, {"limit": limit}, scalar_row) or 0

    async def prune_events(self, limit: int) -> int:
        """Remove what is known of events whose time is over, and return of how many.

        Args:
            limit: How many at the most. Where as many were removed, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        return await self._database.fetch_one(_PRUNE_EVENTS, {"limit": limit}, scalar_row) or 0

    async def fold(self, limit: int) -> int:
        """Count ends of runs in the statistics of their rules, and return how many; 0 while another worker does so.

        Args:
            limit: How many at the most. Where as many were counted, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        return await self._database.fetch_one(_FOLD, {"limit": limit}, scalar_row, repeatable=False) or 0

    async def others_wait(self, tenants: Collection[UUID]) -> bool:
        """Return whether a job waits of a tenant that is none of these.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        named = {"tenants": uuid_array(list(tenants))}
        return bool(await self._database.fetch_one(_OTHERS_WAIT, named, scalar_row))
