"""The links of an execution, as the contract has them."""

from typing import Any
from uuid import UUID

PREFIX = "/api/v1/automation"


def links_of(execution_id: UUID, rule_id: UUID, status: str) -> dict[str, dict[str, Any]]:
    path = f"{PREFIX}/executions/{execution_id}"
    links: dict[str, dict[str, Any]] = {
        "self": {"href": path},
        "rule": {"href": f"{PREFIX}/rules/{rule_id}"},
        "attempts": {"href": f"{path}/attempts"},
    }
    if status in {"pending", "running"}:
        links["cancel"] = {"href": f"{path}/cancel", "method": "POST"}
    elif status == "failed":
        links["retry"] = {"href": f"{path}/retry", "method": "POST"}
    return links
