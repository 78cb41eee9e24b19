"""``getAutomationExecution`` matches its reference to the letter: nothing renamed, removed or loosened.

The tables are the reference itself. The contract may add optional fields to them, and has added ``created_at``.
"""

from typing import Any

import pytest

from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, SCHEMAS

UUID = {"type": "string", "format": "uuid"}
TIME = {"type": "string", "format": "date-time"}
COUNT = {"type": "integer", "minimum": 0}
TEXT_OR_NULL = {"type": "string", "nullable": True}
OBJECT = {"type": "object", "additionalProperties": True}
STATUSES = ["pending", "running", "completed", "failed", "cancelled", "timeout", "skipped"]

FIELDS: dict[str, dict[str, Any]] = {
    "execution_id": UUID,
    "automation_rule_id": UUID,
    "trigger_data": OBJECT,
    "status": {"$ref": "#/components/schemas/ExecutionStatus"},
    "started_at": TIME,
    "completed_at": {**TIME, "nullable": True},
    "duration_ms": {"type": "number", "minimum": 0, "nullable": True},
    "actions_total": COUNT,
    "actions_successful": COUNT,
    "actions_failed": COUNT,
    "error_message": TEXT_OR_NULL,
    "error_stack": TEXT_OR_NULL,
    "failed_action_index": {"type": "integer", "nullable": True},
    "execution_context": OBJECT,
    "logs": {"type": "array", "items": {"$ref": "#/components/schemas/AutomationExecutionLogEntry"}},
    "tenant": UUID,
    "_links": {"$ref": "#/components/schemas/ExecutionLinks"},
}
REQUIRED = {
    *("execution_id", "automation_rule_id", "status", "actions_total", "actions_successful", "actions_failed"),
    "tenant",
}
LOG_ENTRY: dict[str, dict[str, Any]] = {
    "timestamp": TIME,
    "level": {"$ref": "#/components/schemas/LogLevel"},
    "message": {"type": "string"},
    "action_index": {"type": "integer"},
    "metadata": OBJECT,
}


def without_words(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "description"}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_an_execution_is_the_references(field: str) -> None:
    assert without_words(SCHEMAS["AutomationExecution"]["properties"][field]) == FIELDS[field]


@pytest.mark.parametrize("field", LOG_ENTRY)
def test_a_field_of_a_log_entry_is_the_references(field: str) -> None:
    assert without_words(SCHEMAS["AutomationExecutionLogEntry"]["properties"][field]) == LOG_ENTRY[field]


def test_what_is_required_is_the_references() -> None:
    assert set(SCHEMAS["AutomationExecution"]["required"]) == REQUIRED
    assert set(SCHEMAS["AutomationExecutionLogEntry"]["required"]) == {"level", "message"}
    assert SCHEMAS["AutomationExecutionResponse"]["required"] == ["data"]


def test_the_enumerations_are_the_references() -> None:
    assert SCHEMAS["ExecutionStatus"]["enum"] == STATUSES
    assert SCHEMAS["LogLevel"]["enum"] == ["debug", "info", "warn", "error"]


def test_links_are_an_object_of_link_objects() -> None:
    links = SCHEMAS["ExecutionLinks"]

    assert links["type"] == SCHEMAS["Link"]["type"] == "object"
    assert all(link == {"$ref": "#/components/schemas/Link"} for link in links["properties"].values())


def test_the_operation_is_the_references() -> None:
    (entry,) = (each for each in ENTRIES if each.name == "getAutomationExecution")
    success = entry.node["responses"]["200"]["content"]["application/json"]["schema"]
    parameters = {
        (each["in"], each["name"], each["required"], each["schema"].get("format")) for each in entry.parameters
    }

    assert (entry.method, entry.path) == ("get", "/api/v1/automation/executions/{id}")
    assert entry.node["x-required-permission"] == "automation:read"
    assert success == {"$ref": "#/components/schemas/AutomationExecutionResponse"}
    assert {"200", "400", "401", "403", "404", "500"} <= entry.node["responses"].keys()
    assert parameters == {
        ("path", "id", True, "uuid"),
        ("header", "x-tenant-id", False, "uuid"),
        ("header", "If-Match", False, None),
        ("header", "If-None-Match", False, None),
    }


def test_the_key_is_sent_as_the_reference_says() -> None:
    (scheme,) = DOCUMENT["components"]["securitySchemes"].values()

    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "x-api-key")
