"""Stores bulk operations, and reads how far they have come and what was refused."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row

from automation.domain.bulk_operations import (
    BulkAction,
    BulkFailure,
    BulkOperation,
    BulkOrder,
    BulkRefusal,
    BulkStatus,
)
from automation.domain.errors import BulkOperationNotFound, TooManyBulkOperations
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import Page, PageRequest, Position, Total, given, page_of, revision_of
from automation.domain.principal import Principal
from automation.domain.time_zones import in_utc
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded, encoded
from automation.storage.pool.trail import TRAIL

MOST_OPEN = 3
"""How many of a tenant's bulk operations are not over at the same time."""

# Stores one.
_BEGIN = b"""
SELECT outcome, document
FROM begin_bulk_operation_v1(
    p_tenant => %(tenant)s, p_bulk_operation => %(bulk_operation)s, p_action => %(action)s,
    p_filter => %(filter)s::json, p_from => %(retry_from)s, p_rule_version => %(rule_version)s,
    p_matched => %(matched)s, p_matched_exact => %(matched_exact)s, p_user => %(user)s,
    p_key_prefix => %(key_prefix)s, p_client_address => %(client_address)s, p_request_id => %(request_id)s,
    p_most => %(most)s::integer)
"""
# One, as it is.
_GET = b"""
SELECT bulk_operation_id, action, filter::text AS filter, retry_from, rule_version, status, matched, matched_exact,
    done, refused, failure, created_by, created_at, started_at, completed_at
FROM automation_bulk_operations
WHERE tenant = %(tenant)s AND bulk_operation_id = %(bulk_operation)s
"""
# A page of what one was refused, in the order in which that was met, and one more; or against it.
_REFUSALS = b"""
SELECT number, execution_id, code, detail FROM automation_bulk_refusals
WHERE tenant = %(tenant)s AND bulk_operation_id = %(bulk_operation)s AND number > %(after)s::integer
ORDER BY number LIMIT %(rows)s
"""
_REFUSALS_BACKWARD = b"""
SELECT number, execution_id, code, detail FROM automation_bulk_refusals
WHERE tenant = %(tenant)s AND bulk_operation_id = %(bulk_operation)s AND number < %(after)s::integer
ORDER BY number DESC LIMIT %(rows)s
"""


class BulkOperations:
    """The bulk operations of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, principal: Principal, order: BulkOrder, wanted: ExecutionFilter, matched: Total, request_id: str | None
    ) -> BulkOperation:
        """Store a bulk operation that servers work off from now on, and return it.

        Args:
            principal: Who asks for it, and with whose rights it is done.
            order: What is done.
            wanted: Which executions: those of them that are there by now.
            matched: How many these are.
            request_id: The request by which it is asked for.

        Raises:
            TooManyBulkOperations: where the tenant has as many that are not over as it may have.
        """
        trail, identifier = TRAIL.get(), uuid4()
        named = {
            "tenant": principal.tenant,
            "bulk_operation": identifier,
            "action": order.action.value,
            "filter": encoded(given(wanted)),
            "retry_from": order.retry_from,
            "rule_version": order.rule_version,
            "matched": matched.count,
            "matched_exact": matched.exact,
            "user": principal.user,
            "key_prefix": principal.key_prefix,
            "client_address": None if trail is None else trail.deed.client_address,
            "request_id": request_id,
            "most": MOST_OPEN,
        }
        row = await self._database.fetch_one(_BEGIN, named, dict_row, repeatable=False)
        if row is None or row["outcome"] == "too_many":
            raise TooManyBulkOperations
        return await self.get(principal.tenant, identifier)

    async def get(self, tenant: UUID, bulk_operation_id: UUID) -> BulkOperation:
        """Return one.

        Raises:
            BulkOperationNotFound: where this tenant has none of that id, or has it no more.
        """
        named = {"tenant": tenant, "bulk_operation": bulk_operation_id}
        (rows,) = await self._database.read(tenant, (_GET, named), rows=dict_row)
        if not rows:
            raise BulkOperationNotFound
        return _operation(rows[0])

    async def refusals(self, tenant: UUID, bulk_operation_id: UUID, request: PageRequest) -> Page[BulkRefusal]:
        """Return a page of what one was refused, in the order in which it was met.

        Raises:
            BulkOperationNotFound: where this tenant has none of that id, or has it no more.
        """
        named = {
            "tenant": tenant,
            "bulk_operation": bulk_operation_id,
            "after": request.number_before,
            "rows": request.limit + 1,
        }
        query = _REFUSALS_BACKWARD if request.backward else _REFUSALS
        there, rows = await self._database.read(tenant, (_GET, named), (query, named), rows=dict_row)
        if not there:
            raise BulkOperationNotFound
        found = [
            (Position(row["number"]), BulkRefusal(row["execution_id"], row["code"], row["detail"])) for row in rows
        ]
        # Nobody changes what was refused: a page is another one where it has more of them.
        return page_of(request, found, revision=revision_of(*(position.number for position, _ in found)))


def _operation(row: DictRow) -> BulkOperation:
    shown: Mapping[str, Any] = decoded(row["filter"])
    return BulkOperation(
        bulk_operation_id=row["bulk_operation_id"],
        order=BulkOrder(
            action=BulkAction(row["action"]), retry_from=row["retry_from"], rule_version=row["rule_version"]
        ),
        filter=shown,
        status=BulkStatus(row["status"]),
        matched=Total(row["matched"], exact=row["matched_exact"]),
        done=row["done"],
        refused=row["refused"],
        failure=None if row["failure"] is None else BulkFailure(row["failure"]),
        created_by=row["created_by"],
        created_at=row["created_at"].astimezone(UTC),
        started_at=in_utc(row["started_at"]),
        completed_at=in_utc(row["completed_at"]),
    )
