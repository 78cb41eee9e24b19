"""Changes that no old client notices raise no alarm."""

import pytest

from tests.tools.contract_diff.variants import Edit, component, found, member, operation, response, schema

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
STRING = {"type": "string"}

COMPATIBLE: dict[str, Edit] = {
    "nothing": lambda document: None,
    "a description": lambda document: schema(document, "Problem").update(description="Anything."),
    "the form in words of what another media type has": lambda document: member(
        document, "data_base64", of="CloudEvent"
    ).update({"x-form": "anything"}),
    "a summary": lambda document: operation(document, "getAutomationRule").update(summary="Anything"),
    "an example": lambda document: component(document, "examples", "ActiveRule").update(summary="Another"),
    "an example removed": lambda document: operation(document, "createAutomationRule")["responses"]["201"]["content"][
        "application/json"
    ].pop("examples"),
    "the version": lambda document: document["info"].update(version="0.2.0"),
    "a comment's tag": lambda document: document["tags"][0].update(description="Anything."),
    "an operation": lambda document: document["paths"].update(
        {"/api/v1/automation/tags": {"get": {"operationId": "listTags", "responses": {"200": {"description": "."}}}}}
    ),
    "a method": lambda document: document["paths"]["/healthz"].update(
        post={"operationId": "wake", "responses": {"200": {"description": "."}}}
    ),
    "an operation deprecated": lambda document: operation(document, "getAutomationRule").update(deprecated=True),
    "a member of a response": lambda document: schema(document, "AutomationExecution")["properties"].update(
        urgency={"type": "integer"}
    ),
    "a required member of a response": lambda document: schema(document, "Link").update(
        required=["href", "title"], properties={**schema(document, "Link")["properties"], "title": STRING}
    ),
    "a member of a response is always there": lambda document: schema(document, "AutomationExecution")[
        "required"
    ].append("created_at"),
    "an optional member of a request": lambda document: schema(document, "RuleExecution")["properties"].update(
        note=STRING
    ),
    "a member of a request is no longer required": lambda document: schema(document, "AutomationRuleInput")[
        "required"
    ].remove("actions"),
    "an optional parameter": lambda document: operation(document, "getAutomationRule")["parameters"].append(
        {"name": "version", "in": "query", "schema": {"type": "integer"}}
    ),
    "a parameter's limit relaxed": lambda document: component(document, "parameters", "IfMatch")["schema"].update(
        maxLength=4096
    ),
    "a request's limit relaxed": lambda document: member(document, "name", of="AutomationRuleInput").update(
        maxLength=500
    ),
    "a request's limit removed": lambda document: member(
        document, "execution_timeout_seconds", of="AutomationRuleInput"
    ).pop("maximum"),
    "a request's type widened": lambda document: member(
        document, "execution_timeout_seconds", of="AutomationRuleInput"
    ).update(type="number"),
    "a request's format dropped": lambda document: component(document, "parameters", "TenantId")["schema"].pop(
        "format"
    ),
    "a request's value added": lambda document: schema(document, "WritableRuleStatus")["enum"].append("archived"),
    "a request may be null": lambda document: member(document, "name", of="AutomationRuleInput").update(nullable=True),
    "a request may have other members": lambda document: schema(document, "RuleExecution").update(
        additionalProperties=True
    ),
    "a request's empty limit": lambda document: member(document, "description", of="AutomationRuleInput").update(
        minLength=0
    ),
    "a response's limit tightened": lambda document: member(document, "detail", of="Problem").update(maxLength=100),
    "a response's limit added": lambda document: member(document, "title", of="Problem").update(maxLength=100),
    "a response's pattern added": lambda document: member(document, "request_id", of="Problem").update(pattern="^.+$"),
    "a response's type narrowed": lambda document: member(document, "duration_ms", of="AutomationExecution").update(
        type="integer"
    ),
    "a response's format said": lambda document: member(document, "message", of="Violation").update(format="regex"),
    "a response's value removed": lambda document: schema(document, "LogLevel")["enum"].remove("debug"),
    "a response is never null": lambda document: member(document, "error_stack", of="AutomationExecution").pop(
        "nullable"
    ),
    "a response has no other members": lambda document: schema(document, "Liveness").update(additionalProperties=False),
    "a response has other members": lambda document: schema(document, "ContractDocument").update(
        additionalProperties=False
    ),
    "an error": lambda document: operation(document, "getAutomationRule")["responses"].update(
        {"409": {"description": "Not now.", "content": PROBLEM}}
    ),
    "304 for those who ask": lambda document: operation(document, "getAutomationExecution")["responses"].update(
        {"304": {"$ref": "#/components/responses/NotModified"}}
    ),
    "a response's media type": lambda document: response(document, "getContractJson", "200")["content"].update(
        {"application/yaml": {"schema": {"type": "object"}}}
    ),
    "a response's header": lambda document: component(document, "responses", "NotFound")["headers"].update(
        {"Sunset": {"schema": STRING}}
    ),
    "a header's limit tightened": lambda document: component(document, "headers", "RequestId")["schema"].update(
        maxLength=64
    ),
    "a link": lambda document: response(document, "getAutomationRule", "200")["links"].update(
        delete={"operationId": "deleteAutomationRule"}
    ),
    "a problem's code": lambda document: component(document, "responses", "RuleNotActive")["content"][
        "application/problem+json"
    ]["examples"].update(other={"value": {"code": "rule_asleep"}}),
    "an operation made public": lambda document: operation(document, "getAutomationRule").update(security=[]),
    "a permission no longer needed": lambda document: operation(document, "getAutomationRule").pop(
        "x-required-permission"
    ),
    "another way to authenticate": lambda document: (
        document["components"]["securitySchemes"].update(Token={"type": "http", "scheme": "bearer"}),
        document["security"].append({"Token": []}),
    ),
    "wiring": lambda document: component(document, "securitySchemes", "ApiKey").update({"x-apikeyInfoFunc": "a.b"}),
    "a schema given a name": lambda document: (
        document["components"]["schemas"].update(
            Metadata=member(document, "metadata", of="AutomationExecutionLogEntry")
        ),
        schema(document, "AutomationExecutionLogEntry")["properties"].update(
            metadata={"$ref": "#/components/schemas/Metadata"}
        ),
    ),
    "a reference described where it is used": lambda document: schema(document, "AutomationExecution")[
        "properties"
    ].update(status={"description": "How far.", "allOf": [{"$ref": "#/components/schemas/ExecutionStatus"}]}),
    "a shared response written in place": lambda document: operation(document, "getReadiness")["responses"].update(
        {"503": component(document, "responses", "Unavailable")}
    ),
    "a path's parameter moved to its operation": lambda document: operation(document, "executeAutomationRule")[
        "parameters"
    ].extend(document["paths"]["/api/v1/automation/rules/{id}/execute"].pop("parameters")),
}


@pytest.mark.parametrize("edit", COMPATIBLE.values(), ids=COMPATIBLE.keys())
def test_nothing_breaks_for(edit: Edit) -> None:
    changes = found(edit)

    assert changes == []
