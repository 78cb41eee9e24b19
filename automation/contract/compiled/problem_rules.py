"""Decides whether a problem may be sent: its status must be documented, its document must be a Problem."""

from collections.abc import Mapping
from typing import Any

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.schemas import Schemas

COMPONENT = "Problem"
MEDIA_TYPE = "application/problem+json"


class ProblemRules:
    """The rules of the contract for problem responses."""

    def __init__(self, schemas: Schemas) -> None:
        self._validator = schemas.validator({"$ref": f"#/components/schemas/{COMPONENT}"})

    def accepts(self, operation: Operation | None, status: int, document: Mapping[str, Any]) -> bool:
        """Return whether a problem of this status and content may be sent.

        Args:
            operation: The routed operation, or None where the request led to none.
            status: The response's status.
            document: The problem document.
        """
        documented = operation is None or MEDIA_TYPE in operation.responses.get(status, {}).get("content", {})
        return documented and self._validator.is_valid(document)
