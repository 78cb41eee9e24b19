"""The trail of an operator: the line of the audit log that a command leaves, in the transaction of what it does."""

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert

from automation.domain.audit import AuditActor, AuditOutcome, AuditResource
from automation.storage.audit_table import audit_events


@dataclass(slots=True)
class Command:
    """What an operator's command does: to what, and whatever else is worth knowing and no secret."""

    action: str
    resource_type: AuditResource
    resource_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def about(self, resource_id: object, details: Mapping[str, Any] | None = None) -> None:
        """Say what it is done to, and what else is known of it."""
        self.resource_id = str(resource_id)
        self.details.update({name: value for name, value in (details or {}).items() if value is not None})


def record(connection: Connection, tenant: UUID, command: Command) -> None:
    """Write the line, as whoever runs the command; the transaction is scoped to the tenant."""
    connection.execute(
        insert(audit_events).values(
            tenant=tenant,
            event_id=uuid4(),
            action=command.action,
            outcome=AuditOutcome.DONE,
            actor=AuditActor.OPERATOR,
            operator=_name(),
            resource_type=command.resource_type,
            resource_id=command.resource_id or str(tenant),
            client_address=socket.gethostname() or None,
            details=command.details or None,
        )
    )


def _name() -> str:
    """Return what the machine calls who runs this; a user without a name, as in a container, by its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
