"""Decides whether a problem may be sent: its status must be documented, its document must be a Problem."""

from collections.abc import Mapping
from typing import Any

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.schemas import Schemas

COMPONENT = "Problem"
MEDIA_TYPE = "application/problem+json"


class Problems:
    """The contract's word on problem responses."""

    def __init__(self, operations: Mapping[str, Operation], schemas: Schemas) -> None:
        self._statuses = {
            name: frozenset(
                status for status, response in operation.responses.items() if MEDIA_TYPE in response.get("content", {})
            )
            for name, operation in operations.items()
        }
        self._validator = schemas.validator({"$ref": f"#/components/schemas/{COMPONENT}"})

    def accepts(self, operation_id: str | None, status: int, document: Mapping[str, Any]) -> bool:
        """Return whether a problem of this status and content may be sent.

        Args:
            operation_id: The routed operation, or None where the request led to none.
            status: The response's status.
            document: The problem document.
        """
        documented = operation_id is None or status in self._statuses.get(operation_id, ())
        return documented and self._validator.is_valid(document)
