"""Bulk operations: changes of more executions than one request makes, which servers work off batch by batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from automation.domain.pages import Total


class BulkAction(StrEnum):
    """What is done to each execution (contract component ``BulkAction``)."""

    CANCEL = "cancel"
    DELETE = "delete"
    RETRY = "retry"


class BulkStatus(StrEnum):
    """How far a bulk operation has come (contract component ``BulkStatus``)."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class BulkFailure(StrEnum):
    """Why a bulk operation ended before all was done (contract component ``BulkFailure``)."""

    PERMISSION_REVOKED = "permission_revoked"
    EXPIRED = "expired"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """What is asked of a bulk operation.

    ``retry_from`` and ``rule_version`` are those of a retry, and None for anything else.
    """

    action: BulkAction
    retry_from: str | None = None
    rule_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOperation:
    """A bulk operation as it is (contract component ``BulkOperation``)."""

    bulk_operation_id: UUID
    order: BulkOrder
    filter: Mapping[str, Any]
    status: BulkStatus
    matched: Total
    done: int
    refused: int
    failure: BulkFailure | None
    created_by: UUID
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class BulkRefusal:
    """An execution that a bulk operation didn't change, and why (contract component ``BulkRefusal``)."""

    execution_id: UUID
    code: str
    detail: str
