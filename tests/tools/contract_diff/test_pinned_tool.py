"""Variants of our own contract in which we rely on specshift, and what the policy makes of its judgement."""

import pytest

from tests.tools.contract_diff.variants import Edit, component, found_by_specshift, member, operation, schema
from tools.contract_diff.changes import Place

RULE_PATH = "/api/v1/automation/rules/{id}"
GET_RULE = "getAutomationRule"
CREATE_RULE = "createAutomationRule"

BREAKING: dict[str, tuple[Edit, str, str]] = {
    "a path removed": (
        lambda document: document["paths"].pop("/healthz"),
        "getLiveness",
        "Endpoint completely removed: /healthz",
    ),
    "a path's parameter called otherwise": (
        lambda document: document["paths"].update(
            {RULE_PATH.replace("{id}", "{rule_id}"): document["paths"].pop(RULE_PATH)}
        ),
        GET_RULE,
        f"Endpoint completely removed: {RULE_PATH}",
    ),
    "an operation removed": (
        lambda document: document["paths"][RULE_PATH].pop("delete"),
        "deleteAutomationRule",
        f"HTTP method removed: DELETE {RULE_PATH}",
    ),
    "a success removed": (
        lambda document: operation(document, "cancelAutomationExecution")["responses"].pop("202"),
        "cancelAutomationExecution",
        "Response '202' has been removed from the definition.",
    ),
    "an error removed": (
        lambda document: operation(document, "updateAutomationRule")["responses"].pop("412"),
        "updateAutomationRule",
        "Response '412' has been removed from the definition.",
    ),
    "304 removed": (
        lambda document: operation(document, GET_RULE)["responses"].pop("304"),
        GET_RULE,
        "Response '304' has been removed from the definition.",
    ),
    "a response's media type changed": (
        lambda document: component(document, "responses", "NotFound").update(
            content={"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        ),
        "getContractJson",
        "Content type 'application/problem+json' is no longer offered.",
    ),
    "a request's media type changed": (
        lambda document: operation(document, CREATE_RULE)["requestBody"].update(
            content={"application/xml": {"schema": {"$ref": "#/components/schemas/AutomationRuleInput"}}}
        ),
        CREATE_RULE,
        "Content type 'application/json' is no longer offered.",
    ),
    "a body required": (
        lambda document: operation(document, "executeAutomationRule")["requestBody"].update(required=True),
        "executeAutomationRule",
        "Request body is now required.",
    ),
    "a body refused": (
        lambda document: operation(document, "retryAutomationExecution").pop("requestBody"),
        "retryAutomationExecution",
        "Request body has been completely removed.",
    ),
    "a body added, required": (
        lambda document: operation(document, "cancelAutomationExecution").update(
            requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        ),
        "cancelAutomationExecution",
        "A new request body has been added and made required.",
    ),
    "a response's member removed": (
        lambda document: schema(document, "AutomationExecution")["properties"].pop("logs"),
        "getAutomationExecution",
        "Field 'logs' has been removed from the response, clients relying on it are affected.",
    ),
    "a response's member no longer required": (
        lambda document: schema(document, "AutomationExecution")["required"].remove("tenant"),
        "getAutomationExecution",
        "Field 'tenant' is no longer guaranteed to be present (became optional).",
    ),
    "a problem's member removed": (
        lambda document: schema(document, "Problem")["properties"].pop("errors"),
        GET_RULE,
        "Field 'errors' has been removed from the response, clients relying on it are affected.",
    ),
    "a request's member removed": (
        lambda document: schema(document, "AutomationRuleInput")["properties"].pop("trigger_config"),
        CREATE_RULE,
        "Field 'trigger_config' is no longer accepted (removed from the request schema).",
    ),
    "a request's member required": (
        lambda document: schema(document, "AutomationRuleInput")["required"].append("status"),
        CREATE_RULE,
        "Field 'status' is now required.",
    ),
    "a request's member added, required": (
        lambda document: schema(document, "RuleAction").update(
            required=["type", "config", "name"],
            properties={**schema(document, "RuleAction")["properties"], "name": {"type": "string"}},
        ),
        CREATE_RULE,
        "New required field added: 'name'. Existing clients must now send it.",
    ),
    "other members refused": (
        lambda document: member(document, "config", of="RuleAction").update(additionalProperties=False),
        CREATE_RULE,
        "Additional (undeclared) properties are no longer allowed.",
    ),
    "a response's type changed": (
        lambda document: member(document, "duration_ms", of="AutomationExecution").update(type="string"),
        "getAutomationExecution",
        "Data type changed: 'number' -> 'string'.",
    ),
    "a response's type widened": (
        lambda document: member(document, "actions_total", of="AutomationExecution").update(type="number"),
        "getAutomationExecution",
        "Data type changed: 'integer' -> 'number'.",
    ),
    "a response's format changed": (
        lambda document: member(document, "created_at", of="AutomationExecution").update(format="date"),
        "getAutomationExecution",
        "Format changed: 'date-time' -> 'date'.",
    ),
    "a parameter's format changed": (
        lambda document: component(document, "parameters", "RuleId")["schema"].update(format="ulid"),
        GET_RULE,
        "Format changed: 'uuid' -> 'ulid'.",
    ),
    "a request's longest text shortened": (
        lambda document: member(document, "name", of="AutomationRuleInput").update(maxLength=100),
        CREATE_RULE,
        "Constraint 'maxLength' changed from 200 to 100 (stricter), previously valid values may now be rejected.",
    ),
    "a request's largest number lowered": (
        lambda document: member(document, "timeout_seconds", of="RuleAction").update(maximum=600),
        CREATE_RULE,
        "Constraint 'maximum' changed from 3600 to 600 (stricter), previously valid values may now be rejected.",
    ),
    "a request's smallest number raised": (
        lambda document: member(document, "timeout_seconds", of="RuleAction").update(minimum=5),
        CREATE_RULE,
        "Constraint 'minimum' changed from 1 to 5 (stricter), previously valid values may now be rejected.",
    ),
    "a request's shortest list lengthened": (
        lambda document: member(document, "actions", of="AutomationRuleInput").update(minItems=2),
        CREATE_RULE,
        "Constraint 'minItems' changed from 1 to 2 (stricter), previously valid values may now be rejected.",
    ),
    "a parameter's longest text shortened": (
        lambda document: component(document, "parameters", "IfMatch")["schema"].update(maxLength=64),
        "updateAutomationRule",
        "Constraint 'maxLength' changed from 1024 to 64 (stricter), previously valid values may now be rejected.",
    ),
    "a request's pattern added": (
        lambda document: member(document, "type", of="RuleAction").update(pattern="^[a-z_]+$"),
        CREATE_RULE,
        "A new validation pattern has been added: '^[a-z_]+$'.",
    ),
    "a response's pattern changed": (
        lambda document: member(document, "code", of="Problem").update(pattern="^[A-Z]+$"),
        GET_RULE,
        "Validation pattern changed from '^[a-z][a-z0-9_]*$' to '^[A-Z]+$'.",
    ),
    "a request's value refused": (
        lambda document: schema(document, "WritableRuleStatus")["enum"].remove("draft"),
        CREATE_RULE,
        "Enum values removed: ['draft'].",
    ),
    "a default changed": (
        lambda document: member(document, "from", of="ExecutionRetry").update(default="failed_action"),
        "retryAutomationExecution",
        "Default value changed from 'start' to 'failed_action'.",
    ),
    "a default removed": (
        lambda document: member(document, "execution_timeout_seconds", of="AutomationRuleInput").pop("default"),
        CREATE_RULE,
        "Default value 3600 has been removed.",
    ),
    "a request's member ignored": (
        lambda document: member(document, "name", of="AutomationRuleInput").update(readOnly=True),
        CREATE_RULE,
        "Field is now read-only, values sent by clients in requests will be ignored.",
    ),
    "a shared parameter required": (
        lambda document: component(document, "parameters", "TenantId").update(required=True),
        GET_RULE,
        "Parameter 'x-tenant-id' is now required.",
    ),
    "a shared parameter called otherwise": (
        lambda document: component(document, "parameters", "TenantId").update(name="x-tenant"),
        GET_RULE,
        "Parameter 'x-tenant-id' (header) has been removed.",
    ),
    "a shared parameter elsewhere": (
        lambda document: component(document, "parameters", "TenantId").update({"in": "query"}),
        GET_RULE,
        "Parameter 'x-tenant-id' (header) has been removed.",
    ),
    "a required parameter added": (
        lambda document: operation(document, CREATE_RULE).update(
            parameters=[{"name": "mode", "in": "query", "required": True, "schema": {"type": "string"}}]
        ),
        CREATE_RULE,
        "New required parameter added: 'mode' (query).",
    ),
    "a key required": (
        lambda document: operation(document, "getReadiness").pop("security"),
        "getReadiness",
        "A new mandatory authentication requirement has been added to this operation.",
    ),
    "a server moved": (
        lambda document: document["servers"][0].update(url="/automation"),
        "servers",
        "Server URL removed: /",
    ),
}


PLACES: dict[str, tuple[Edit, Place]] = {
    "a member that is gone": (
        lambda document: schema(document, "AutomationExecution")["properties"].pop("status"),
        Place("getAutomationExecution", "response 200", ("data",)),
    ),
    "elements": (
        lambda document: member(document, "unresolved", of="PlannedAction")["items"].update(type="integer"),
        Place("executeAutomationRule", "response 200", ("data", "actions", "[]", "unresolved", "[]")),
    ),
    "a body": (
        lambda document: member(document, "name", of="AutomationRuleInput").update(type="integer"),
        Place(CREATE_RULE, "request body", ("name",)),
    ),
    "a parameter": (
        lambda document: component(document, "parameters", "RuleId")["schema"].update(type="integer"),
        Place(GET_RULE, "path parameter id", ()),
    ),
    "a status": (
        lambda document: operation(document, GET_RULE)["responses"].pop("304"),
        Place(GET_RULE, "status 304"),
    ),
}


@pytest.mark.parametrize(("edit", "place"), PLACES.values(), ids=PLACES.keys())
def test_what_specshift_finds_is_found_in_the_contract_again(edit: Edit, place: Place) -> None:
    changes = found_by_specshift(edit)

    assert place in [change.place for change in changes]


@pytest.mark.parametrize(("edit", "name", "message"), BREAKING.values(), ids=BREAKING.keys())
def test_specshift_finds(edit: Edit, name: str, message: str) -> None:
    changes = found_by_specshift(edit)

    assert (name, message) in [(change.place.operation, change.what) for change in changes]
