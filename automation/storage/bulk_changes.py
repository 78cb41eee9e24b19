"""Changes of many executions at once: each as it is changed alone, all of them in one transaction."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import dict_row, scalar_row

from automation.domain.errors import (
    AutomationError,
    Conflict,
    ExecutionNotFound,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import PageRequest, Total
from automation.storage.execution_list import ExecutionList
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import uuid_array
from automation.storage.pool.trail import TRAIL, trailing
from automation.storage.pool.unit_of_work import UNIT, Opening

MOST = 1_000
"""How many executions are changed at once: some seconds of locks on their rows."""
LONGEST = 2.0
"""Seconds after which no more of what a filter leaves is changed at once: clients wait, and others for the rows."""
LONGEST_BY_ID = 5.0
"""Seconds that it takes at the most where there is nothing else to do: clients give up after ten, mostly."""

# Which of some executions there are, and their rules.
_PLACES = b"""
SELECT execution_id, automation_rule_id FROM automation_executions
WHERE tenant = %(tenant)s AND execution_id = ANY (%(executions)s::uuid[])
"""
# Those of them that nobody else is changing: from now on they are this transaction's.
_FREE = b"""
SELECT execution_id FROM automation_executions
WHERE tenant = %(tenant)s AND execution_id = ANY (%(executions)s::uuid[])
ORDER BY automation_rule_id, execution_id
FOR NO KEY UPDATE SKIP LOCKED
"""
_TOO_MANY_FOR_NOW = "To change so many takes too long just now. Nothing was changed; fewer can be changed at a time."
_NOTHING = b"SELECT 1 AS nothing"
_OPENING = Opening(_NOTHING, {}, lambda _: None)

Change = Callable[[UUID], Awaitable[object]]
"""Changes one execution, or raises why it doesn't."""
Prepare = Callable[[int], Awaitable[None]]
"""Is told how many executions will be changed, before the first one is."""
Place = tuple[UUID, UUID]
"""A rule and an execution of it."""


async def nothing_to_prepare(_count: int) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one execution; the code and the detail say why it was refused, where it was."""

    execution_id: UUID
    code: str | None = None
    detail: str | None = None


class TooLong(Exception):
    """A change of many executions has taken so long that no more of them is changed.

    Args:
        outcomes: What became of those that were.
    """

    def __init__(self, outcomes: Mapping[UUID, Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


class BulkChanges:
    """Changes executions of any tenant, one tenant's at a time.

    Each call is one transaction, or a part of the task's unit of work: where it raises, nothing was changed. Rows are
    locked in one order, by rules and then by executions, so that two calls never wait for each other.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._list = ExecutionList(database)

    async def of_ids(
        self,
        tenant: UUID,
        ids: Sequence[UUID],
        change: Change,
        *,
        dry_run: bool,
        prepare: Prepare = nothing_to_prepare,
    ) -> list[Outcome]:
        """Change executions by their ids, and return what became of each, in the order of the ids.

        Args:
            tenant: Whose they are.
            ids: Which executions, ``MOST`` at the most.
            change: Changes one of them.
            dry_run: Whether all is taken back in the end.
            prepare: Prepares the transaction for all of them.

        Raises:
            Unavailable: where the database cannot be reached, or it takes more than ``LONGEST_BY_ID``.
        """
        named = {"tenant": tenant, "executions": [str(each) for each in ids]}
        (rows,) = await self._database.read(tenant, (_PLACES, named), rows=dict_row)
        places = [(row["automation_rule_id"], row["execution_id"]) for row in rows]
        until = time.monotonic() + LONGEST_BY_ID
        try:
            outcomes = await self._applied(tenant, places, change, prepare, until, dry_run=dry_run)
        except TooLong:
            raise Unavailable(_TOO_MANY_FOR_NOW) from None
        return [outcomes.get(each) or _refused(each, ExecutionNotFound()) for each in dict.fromkeys(ids)]

    async def of_filter(
        self,
        tenant: UUID,
        wanted: ExecutionFilter,
        change: Change,
        *,
        dry_run: bool,
        passing: bool = False,
        prepare: Prepare = nothing_to_prepare,
    ) -> tuple[list[Outcome], Total] | Total:
        """Change the executions that filters leave, the oldest first, where they are ``MOST`` at the most.

        Where they are more, nothing is changed, or with ``dry_run`` the oldest ``MOST``. Where it takes more than
        ``LONGEST``, nothing is changed, or with ``dry_run`` as many as that was enough for.

        Args:
            tenant: Whose they are.
            wanted: The filters.
            change: Changes one of them.
            dry_run: Whether all is taken back in the end.
            passing: Whether those that somebody else is changing are left to him, as if the filters did.
            prepare: Prepares the transaction for all of them.

        Returns:
            What became of each, and how many they are; or the latter alone where that is too many for now.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        page = await self._list.page(tenant, wanted, PageRequest(MOST, ascending=True))
        total = Total(len(page.items), exact=True)
        if page.next is not None:
            counted = await self._list.page(tenant, wanted, PageRequest(1, ascending=True, include_total=True))
            total = counted.total or Total(len(page.items), exact=False)
            if not dry_run:
                return total
        places = [(item.automation_rule_id, item.execution_id) for item in page.items]
        until = time.monotonic() + LONGEST
        try:
            outcomes = await self._applied(tenant, places, change, prepare, until, dry_run=dry_run, passing=passing)
            total = Total(total.count - (len(places) - len(outcomes)), exact=total.exact)
        except TooLong as long:
            if not dry_run:
                return total
            outcomes = long.outcomes
        return [outcomes[each] for _, each in places if each in outcomes], total

    async def _applied(
        self,
        tenant: UUID,
        places: Sequence[Place],
        change: Change,
        prepare: Prepare,
        until: float,
        *,
        dry_run: bool,
        passing: bool = False,
    ) -> Mapping[UUID, Outcome]:
        async def changed() -> Mapping[UUID, Outcome]:
            await prepare(len(places))
            return await each_changed(await self._free(tenant, places) if passing else places, change, until)

        unit = UNIT.get()
        if unit is not None and not unit.ended and not dry_run:
            await unit.connected()  # what refuses the request as a whole is no refusal of its first execution
            async with unit.parts():
                return await changed()
        if dry_run:
            with trailing(None):
                async with self._database.unit_of_work(tenant, _OPENING):
                    return await changed()
        async with self._database.unit_of_work(tenant, _OPENING) as unit:
            outcomes = await changed()
            if any(outcome.code is None for outcome in outcomes.values()):
                await unit.commit(_NOTHING, {})
            return outcomes

    async def _free(self, tenant: UUID, places: Sequence[Place]) -> list[Place]:
        named = {"tenant": tenant, "executions": uuid_array([execution for _, execution in places])}
        async with self._database.transaction(tenant) as transaction:
            free = {*await transaction.fetch_all(_FREE, named, scalar_row)}
        return [place for place in places if place[1] in free]


async def each_changed(places: Sequence[Place], change: Change, until: float | None = None) -> Mapping[UUID, Outcome]:
    """Change executions one after the other in the task's unit of work, and return what became of each.

    What is refused, by an error that a request for one is answered with, leaves the others alone.

    Args:
        places: Which executions.
        change: Changes one of them.
        until: A reading of the monotonic clock after which none is begun; None lets it take as long as it takes.

    Raises:
        TooLong: where that comes first.
    """
    outcomes: dict[UUID, Outcome] = {}
    for _, execution in sorted(places):
        if until is not None and time.monotonic() > until:
            raise TooLong(outcomes)
        try:
            await change(execution)
            outcomes[execution] = Outcome(execution)
        except (Conflict, InvalidInput, NotFound, TooManyRequests) as error:
            outcomes[execution] = _refused(execution, error)
            trail = TRAIL.get()
            if trail is not None:
                trail.retract({"execution": execution})
    return outcomes


def _refused(execution: UUID, error: AutomationError) -> Outcome:
    return Outcome(execution, error.code, error.detail)
