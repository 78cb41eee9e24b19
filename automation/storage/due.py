"""Finds the executions of all tenants that nobody looks after, and puts them into the queue again."""

from uuid import UUID

from automation.storage.pool.database import Database

_SWEEP = b"""
SELECT coalesce(array_agg(tenant), '{}'), coalesce(array_agg(execution_id), '{}'), coalesce(array_agg(attempt), '{}')
FROM sweep_due_executions_v1(%s)
"""
_PERMITTED = b"SELECT has_function_privilege('sweep_due_executions_v1(integer)', 'EXECUTE')"


class Due:
    """The executions that are due to be looked at, whosesoever they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def permitted(self) -> bool:
        """Return whether the role may sweep, as that of the workers may; the schema must be current.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        row = await self._database.fetch_row(_PERMITTED)
        return row is not None and bool(row[0])

    async def sweep(self, limit: int) -> list[tuple[UUID, UUID, int]]:
        """Write a job for each execution that is due, and return their tenants, ids and attempts.

        Due are those whose worker let the lease run out, whose wait or whose time is over, and those that have been
        pending for 10 s without being claimed. None is returned to two sweeps at once, or again within 10 s.

        Args:
            limit: How many at the most. Where as many are returned, there may be more.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        row = await self._database.fetch_row(_SWEEP, (limit,))
        assert row is not None, "an aggregate has a row"  # noqa: S101 -- narrows the type
        return list(zip(*row, strict=True))
