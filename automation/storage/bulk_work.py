"""Does bulk operations of any tenant, a batch at a time: what is done, refused and left is known after every crash."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow, dict_row, scalar_row

from automation.domain.audit import AuditResource, Deed
from automation.domain.bulk_operations import BulkAction, BulkFailure, BulkOrder
from automation.domain.errors import TooManyPending
from automation.domain.executions import ExecutionFilter
from automation.domain.origin import Origin, TriggerKind
from automation.domain.pages import Cursor, PageRequest, Position
from automation.storage.bulk_changes import Change, Outcome, each_changed
from automation.storage.execution_list import ExecutionList
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded, uuid_array
from automation.storage.pool.trail import trailing
from automation.storage.pool.unit_of_work import Opening

LONGEST = timedelta(days=1)
"""How long after it was asked for a bulk operation goes on: what waits for room in the queue doesn't wait for ever."""
_MICROSECOND = timedelta(microseconds=1)
_TIMES = frozenset(f"{name}_{bound}" for name in ("created", "started", "completed") for bound in ("from", "to"))

# The one that is worked at next.
_NEXT = b"""
SELECT tenant, bulk_operation_id, action, filter, retry_from, rule_version, batches, position_at, position_id,
    created_at, created_by, key_prefix, client_address, request_id, allowed
FROM next_bulk_operation_v1()
"""
# Whether this transaction does its next batch.
_TAKE = b"""
SELECT take_bulk_operation_v1(
    p_tenant => %(tenant)s, p_bulk_operation => %(bulk_operation)s, p_batches => %(batches)s::integer) AS taken
"""
# What became of the batch, and how far it came.
_RECORD = b"""
SELECT record_bulk_batch_v1(
    p_tenant => %(tenant)s, p_bulk_operation => %(bulk_operation)s, p_status => %(status)s, p_done => %(done)s::integer,
    p_position_at => %(at)s::timestamp with time zone, p_position_id => %(id)s::uuid,
    p_executions => %(refused)s::uuid[], p_codes => %(codes)s::text[], p_details => %(details)s::text[])
"""
# It is put off, or ends as failed.
_PASS = b"""
SELECT pass_bulk_operation_v1(
    p_tenant => %(tenant)s, p_bulk_operation => %(bulk_operation)s, p_failure => %(failure)s::text)
"""
# What has been over for long enough goes.
_PRUNE = b"SELECT prune_bulk_operations_v1(p_limit => %(limit)s::integer)"


class NoRoom(Exception):
    """The tenant has too many pending executions for a whole batch of retries; nothing of it was done."""


class _Elsewhere(Exception):
    """Another server does a batch, or did this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOperation:
    """A bulk operation that is not over: what is left of it, and who asked for it."""

    tenant: UUID
    bulk_operation_id: UUID
    order: BulkOrder
    wanted: ExecutionFilter
    batches: int
    cursor: Cursor | None
    created_at: datetime
    deed: Deed
    allowed: bool

    @property
    def origin(self) -> Origin:
        """Who asks for the retries."""
        deed = self.deed
        return Origin(
            kind=TriggerKind.RETRY, request_id=deed.request_id or None, user=deed.user, key_prefix=deed.key_prefix
        )


class BulkWork:
    """Does bulk operations of any tenant; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are, as the API's role.
        executions: What changes one execution, as a request for one does.
    """

    def __init__(self, database: Database, executions: Executions) -> None:
        self._database = database
        self._executions = executions
        self._list = ExecutionList(database)

    async def next(self) -> OpenOperation | None:
        """Return the one whose turn it is, tenants in turn; None where all are over."""
        row = await self._database.fetch_one(_NEXT, {}, dict_row)
        return None if row is None else _open(row)

    async def batch(self, operation: OpenOperation, most: int) -> int | None:
        """Do a batch of one, the oldest executions first, in one transaction with how far it came.

        Args:
            operation: As ``next`` returned it.
            most: How many executions.

        Returns:
            How many executions were looked at; None where another server is at work.

        Raises:
            NoRoom: where retries find too many executions pending.
        """
        page = await self._list.page(
            operation.tenant, operation.wanted, PageRequest(most, ascending=True, cursor=operation.cursor)
        )
        places = [(item.automation_rule_id, item.execution_id) for item in page.items]
        named = {"tenant": operation.tenant, "bulk_operation": operation.bulk_operation_id}
        opening = Opening(_TAKE, {**named, "batches": operation.batches}, _require_taken)
        try:
            with trailing(operation.deed):
                async with self._database.unit_of_work(operation.tenant, opening) as unit:
                    await unit.connected()
                    if operation.order.action is BulkAction.RETRY:
                        await self._executions.expect(operation.tenant, len(places))
                    outcomes = await each_changed(places, self._change(operation))
                    in_order = [outcomes[execution] for _, execution in places]
                    progress = {**named, **_progress(in_order, page.next)}
                    if progress["done"]:
                        await unit.commit(_RECORD, progress)
                    else:
                        with trailing(None):  # nothing was done that the audit log could tell of
                            await unit.commit(_RECORD, progress)
        except _Elsewhere:
            return None
        return len(places)

    async def put_off(self, operation: OpenOperation) -> None:
        """Have others come before it."""
        await self._pass(operation, None)

    async def fail(self, operation: OpenOperation, failure: BulkFailure) -> None:
        """End it before all is done; what was done stays done."""
        await self._pass(operation, failure)

    async def prune(self, limit: int) -> int:
        """Remove what has been over for a week, refusals by so many at a time, and return how many of these went."""
        return await self._database.fetch_one(_PRUNE, {"limit": limit}, scalar_row, repeatable=False) or 0

    async def _pass(self, operation: OpenOperation, failure: BulkFailure | None) -> None:
        named = {
            "tenant": operation.tenant,
            "bulk_operation": operation.bulk_operation_id,
            "failure": None if failure is None else failure.value,
        }
        await self._database.fetch_one(_PASS, named, scalar_row, repeatable=False)

    def _change(self, operation: OpenOperation) -> Change:
        tenant, order = operation.tenant, operation.order
        if order.action is BulkAction.CANCEL:
            return partial(self._executions.cancel, tenant)
        if order.action is BulkAction.DELETE:
            return partial(self._executions.delete, tenant)

        async def retry(execution: UUID) -> None:
            try:
                await self._executions.retry(
                    tenant,
                    execution,
                    retry_from=order.retry_from or "start",
                    rule_version=order.rule_version or "original",
                    origin=operation.origin,
                )
            except TooManyPending as error:
                raise NoRoom from error

        return retry


def _require_taken(row: Mapping[str, Any]) -> None:
    if not row["taken"]:
        raise _Elsewhere


def _progress(outcomes: list[Outcome], further: Cursor | None) -> dict[str, Any]:
    refused = [outcome for outcome in outcomes if outcome.code is not None]
    return {
        "status": "completed" if further is None else "running",
        "done": len(outcomes) - len(refused),
        "at": None if further is None else further.position.time,
        "id": None if further is None else further.position.id,
        "refused": uuid_array([outcome.execution_id for outcome in refused]),
        "codes": [outcome.code for outcome in refused],
        "details": [outcome.detail for outcome in refused],
    }


def _open(row: DictRow) -> OpenOperation:
    action, created_at = BulkAction(row["action"]), row["created_at"].astimezone(UTC)
    at = row["position_at"]
    return OpenOperation(
        tenant=row["tenant"],
        bulk_operation_id=row["bulk_operation_id"],
        order=BulkOrder(action=action, retry_from=row["retry_from"], rule_version=row["rule_version"]),
        wanted=_there_by(created_at, _filter(decoded(row["filter"]))),
        batches=row["batches"],
        cursor=None if at is None else Cursor(Position.at(at.astimezone(UTC), row["position_id"])),
        created_at=created_at,
        deed=Deed(
            tenant=row["tenant"],
            user=row["created_by"],
            key_prefix=row["key_prefix"],
            action=f"{action}AutomationExecutions",
            resource_type=AuditResource.EXECUTION,
            resource_id=None,
            client_address=row["client_address"],
            request_id=row["request_id"] or "",
        ),
        allowed=row["allowed"],
    )


def _filter(stored: Mapping[str, Any]) -> ExecutionFilter:
    return ExecutionFilter(**{name: _value(name, value) for name, value in stored.items()})


def _value(name: str, value: Any) -> Any:
    if name in _TIMES:
        return datetime.fromisoformat(value)
    if name == "automation_rule_id":
        return tuple(UUID(each) for each in value)
    return tuple(value) if isinstance(value, list) else value


def _there_by(time: datetime, wanted: ExecutionFilter) -> ExecutionFilter:
    """Return the filter of what was there when it was asked for."""
    end = time + _MICROSECOND
    return replace(wanted, created_to=end if wanted.created_to is None else min(end, wanted.created_to))
