"""Reads executions: the service's hottest query, one round trip, the JSON made by PostgreSQL."""

from uuid import UUID

from automation.domain.errors import ExecutionNotFound
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.storage.database import Database

_GET = b"SELECT execution_id, automation_rule_id, status, document FROM get_execution_v1(%s, %s)"


class Executions:
    """The executions of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, tenant: UUID, execution_id: UUID) -> ExecutionDocument:
        """Return one execution as the contract shows it.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            Unavailable: where the database cannot be reached.
        """
        row = await self._database.fetch_row(_GET, (tenant, execution_id))
        if row is None:
            raise ExecutionNotFound
        return ExecutionDocument(
            execution_id=row[0],
            automation_rule_id=row[1],
            status=ExecutionStatus(row[2]),
            json=row[3].encode(),
        )
