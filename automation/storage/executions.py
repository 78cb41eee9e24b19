"""Reads executions, the service's hottest query, and creates, retries and cancels them: one round trip each."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from automation.domain.errors import (
    ExecutionFinished,
    ExecutionNotFailed,
    ExecutionNotFound,
    RuleNotActive,
    RuleNotFound,
)
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.storage.pool.batches import Batches, placed
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import encoded, uuid_array

# The function sets the tenant for the one read that it does: each row is read under its own tenant's policy.
_GET = b"""
SELECT asked.place, found.automation_rule_id, found.status, found.document
FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS asked(tenant, execution, place),
    LATERAL get_execution_v1(asked.tenant, asked.execution) AS found
"""
_CREATE = b"""
SELECT outcome, execution_id, automation_rule_id, status, document
FROM create_execution_v1(%s, %s, %s, %s, %s::jsonb, %s)
"""
_RETRY = b"SELECT outcome, execution_id, automation_rule_id, status, document FROM retry_execution_v1(%s, %s, %s)"
_CANCEL = b"SELECT outcome, execution_id, automation_rule_id, status, document FROM cancel_execution_v1(%s, %s, %s)"
_ATTEMPTS = b"SELECT list_execution_attempts_v1(%s, %s)"

_CANCELLED_BY_USER = "The execution was cancelled by a user."


class Executions:
    """The executions of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reads: Batches[tuple[UUID, UUID], ExecutionDocument] = Batches(self._fetch)

    async def read(self, tenant: UUID, execution_id: UUID) -> ExecutionDocument:
        """Return one execution as the contract shows it.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
        """
        document = await self._reads.read((tenant, execution_id))
        if document is None:
            raise ExecutionNotFound
        return document

    async def _fetch(self, asked: Sequence[tuple[UUID, UUID]]) -> Sequence[ExecutionDocument | None]:
        tenants, identifiers = zip(*asked, strict=True)
        rows = await self._database.fetch_rows(_GET, (uuid_array(tenants), uuid_array(identifiers)))
        found = zip(asked, placed(rows, len(asked)), strict=True)
        return [None if row is None else _document(execution, *row) for (_, execution), row in found]

    async def create(
        self,
        tenant: UUID,
        user: UUID,
        rule_id: UUID,
        *,
        trigger_data: Mapping[str, Any] | None,
        override_conditions: bool,
    ) -> ExecutionDocument:
        """Store a pending execution of a rule's last version together with its job, and return it.

        Raises:
            RuleNotFound: where this tenant has no rule of that id.
            RuleNotActive: where the rule is deleted, or its status is another one.
        """
        payload = None if trigger_data is None else encoded(trigger_data)
        parameters = (tenant, uuid4(), rule_id, user, payload, override_conditions)
        row = await self._database.fetch_row(_CREATE, parameters, repeatable=False)
        if row is None:
            raise RuleNotFound
        if row[0] == "rule_not_active":
            raise RuleNotActive
        return _document(*row[1:])

    async def retry(self, tenant: UUID, execution_id: UUID, *, retry_from: str) -> ExecutionDocument:
        """Make a failed execution pending again as its next attempt, together with its job, and return it.

        Args:
            tenant: Whose execution it is.
            execution_id: Which execution.
            retry_from: ``start`` or ``failed_action``.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            ExecutionNotFailed: where its status is another one.
        """
        row = await self._database.fetch_row(_RETRY, (tenant, execution_id, retry_from), repeatable=False)
        if row is None:
            raise ExecutionNotFound
        if row[0] == "not_failed":
            raise ExecutionNotFailed
        return _document(*row[1:])

    async def cancel(self, tenant: UUID, execution_id: UUID) -> tuple[ExecutionDocument, bool]:
        """Cancel an execution, and return it and whether that is done already.

        One that no worker holds (pending, waiting) is cancelled at once; otherwise the worker learns of the request
        with its next renewal.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            ExecutionFinished: where it has ended.
        """
        row = await self._database.fetch_row(_CANCEL, (tenant, execution_id, _CANCELLED_BY_USER), repeatable=False)
        if row is None:
            raise ExecutionNotFound
        if row[0] == "finished":
            raise ExecutionFinished
        return _document(*row[1:]), row[0] == "cancelled"

    async def attempts(self, tenant: UUID, execution_id: UUID) -> bytes:
        """Return the attempts of an execution, first to last, as a JSON array of ``AutomationExecutionAttempt``.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
        """
        row = await self._database.fetch_row(_ATTEMPTS, (tenant, execution_id))
        if row is None or row[0] is None:
            raise ExecutionNotFound
        attempts: str = row[0]
        return attempts.encode()


def _document(execution_id: UUID, automation_rule_id: UUID, status: str, document: str) -> ExecutionDocument:
    return ExecutionDocument(
        execution_id=execution_id,
        automation_rule_id=automation_rule_id,
        status=ExecutionStatus(status),
        json=document.encode(),
    )
