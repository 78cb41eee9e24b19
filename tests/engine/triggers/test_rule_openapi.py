"""The document of a rule's trigger: valid OpenAPI 3.1, with the rule's own schema in it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from automation.contract.document.published import Published
from automation.domain.rules import Rule, RuleContent, TriggerType
from automation.engine.triggers import rule_openapi
from automation.engine.triggers.rule_openapi import RuleOpenApi
from tests.engine.triggers.schemas import ORDER
from tests.shipped_contract.shipped import DOCUMENT

OPEN_API = RuleOpenApi(Published(DOCUMENT, "/behind").current.document)


def a_rule(input_schema: Any, **fields: Any) -> Rule:
    """Return a rule that asks for something, by hand where nothing else is said."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    said = {name: fields.pop(name) for name in ("trigger_type", "trigger_config") if name in fields}
    content = RuleContent(
        name="Tell the warehouse", actions=(), input_schema=input_schema, **{"trigger_config": {}, **said}
    )
    values = {"rule_id": uuid4(), "tenant": uuid4(), "version": 3, "created_by": uuid4(), "created_at": now}
    return Rule(**{**values, "content": content, "updated_at": now, **fields})


def operation_of(rule: Rule) -> dict[str, Any]:
    """Return the one operation of a rule's document."""
    document = OPEN_API.of(rule)
    (path,) = document["paths"]
    assert path == f"/api/v1/automation/rules/{rule.rule_id}/execute"
    operation: dict[str, Any] = document["paths"][path]["post"]
    return operation


@pytest.mark.parametrize("schema", [None, {}, ORDER, {"not": {"required": ["a"]}}], ids=["none", "any", "order", "not"])
def test_the_document_of_any_rule_is_valid_and_refers_to_nothing_outside(schema: Any) -> None:
    document = OPEN_API.of(a_rule(schema))

    errors = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]

    assert errors == []
    assert document["info"] == {"title": "Tell the warehouse", "version": "3"}
    assert document["servers"][0]["url"] == "/behind"
    assert document["security"] == [{"ApiKey": []}]
    assert "nullable" not in str(document["components"]["schemas"].values())


@pytest.mark.parametrize("trigger_type", TriggerType)
def test_nothing_is_given_as_an_example_that_a_rule_with_a_schema_of_its_own_may_refuse(
    trigger_type: TriggerType,
) -> None:
    document = OPEN_API.of(a_rule(ORDER, trigger_type=trigger_type))

    (item,) = document["paths"].values()
    schemas = document["components"]["schemas"]
    sent = json.dumps([item["post"]["requestBody"], *(schemas.get(name) for name in ("RuleExecution", "CloudEvent"))])
    assert '"example"' not in sent
    assert '"examples"' not in sent


def test_what_the_document_takes_is_what_the_rule_takes() -> None:
    document = OPEN_API.of(a_rule(ORDER))
    body = {"$ref": "#/components/schemas/RuleExecution", "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(body)

    assert validator.is_valid({"trigger_data": {"total": 1, "items": [{"sku": "LAMP"}]}})
    assert not validator.is_valid({"trigger_data": {"total": 1, "items": [{"sku": "lamp"}]}})
    assert not validator.is_valid({"trigger_data": {}})
    assert not validator.is_valid({})


def test_data_must_be_sent_where_none_would_be_refused() -> None:
    assert operation_of(a_rule(ORDER))["requestBody"]["required"]
    assert not operation_of(a_rule({"type": "object"}))["requestBody"]["required"]
    assert not operation_of(a_rule(None))["requestBody"]["required"]


def test_the_document_of_a_deleted_rule_says_that_it_is_not_to_be_used() -> None:
    assert operation_of(a_rule(None, deleted_at=datetime(2026, 11, 28, tzinfo=UTC)))["deprecated"]
    assert "deprecated" not in operation_of(a_rule(None))


BODY = {
    "properties": {"body": {"$ref": "#/$defs/order"}},
    "$defs": {"order": {"type": "object", "required": ["total"]}},
}
DATA = {"properties": {"data": {"type": "object", "required": ["total"]}}}


@pytest.mark.parametrize("schema", [None, BODY, {"properties": {"body": True}}], ids=["none", "body", "any"])
def test_a_rule_with_a_hook_is_described_by_its_deliveries(schema: Any) -> None:
    document = OPEN_API.of(a_rule(schema, trigger_type=TriggerType.WEBHOOK))

    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert list(document["paths"]) == ["/api/v1/automation/hooks/{token}"]
    operation = document["paths"]["/api/v1/automation/hooks/{token}"]["post"]
    assert operation["security"] == []
    sent = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator({**sent, "components": document["components"]})
    assert validator.is_valid({"total": 1})
    assert validator.is_valid({}) == (schema is not BODY)


def test_the_body_of_a_delivery_is_required_where_the_schema_takes_no_null() -> None:
    paths = OPEN_API.of(a_rule(BODY, trigger_type=TriggerType.WEBHOOK))["paths"]

    assert paths["/api/v1/automation/hooks/{token}"]["post"]["requestBody"]["required"]


def test_a_rule_that_waits_for_events_is_described_by_their_publication() -> None:
    config = {"types": ["order.created", "return.*"]}
    document = OPEN_API.of(a_rule(DATA, trigger_type=TriggerType.EVENT, trigger_config=config))

    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    (path,) = document["paths"]
    assert path == "/api/v1/automation/events"
    content = document["paths"][path]["post"]["requestBody"]["content"]
    sent = content["application/cloudevents+json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator({**sent, "components": document["components"]})
    event = {"specversion": "1.0", "id": "1", "source": "https://a.example", "type": "return.made"}
    assert validator.is_valid({**event, "data": {"total": 1}})
    assert validator.is_valid({**event, "type": "order.created", "data": {"total": 1}})
    assert not validator.is_valid({**event, "type": "order.createdx", "data": {"total": 1}})
    assert not validator.is_valid({**event, "data": {}})
    assert not validator.is_valid(event)


def test_a_rule_by_the_clock_says_so_beside_how_it_is_run_by_hand() -> None:
    rule = a_rule(None, trigger_type=TriggerType.RECURRING)

    assert "runs by the clock" in operation_of(rule)["description"]
    assert "runs by the clock" not in operation_of(a_rule(None))["description"]


@pytest.mark.parametrize("trigger_type", TriggerType)
def test_an_operation_has_what_clients_can_use_and_the_key_that_it_asks_for(trigger_type: TriggerType) -> None:
    document = OPEN_API.of(a_rule(None, trigger_type=trigger_type))

    (item,) = document["paths"].values()
    assert [name for name in item["post"] if name == "tags" or name.startswith("x-")] == []
    assert document["components"]["securitySchemes"]["ApiKey"]["name"] == "x-api-key"


def publication(types: list[str], schema: Any) -> tuple[dict[str, Any], jsonschema_rs.Draft202012Validator]:
    """Return what a request for a rule that waits for events has as its body, and what takes an event."""
    rule = a_rule(schema, trigger_type=TriggerType.EVENT, trigger_config={"types": types})
    document = OPEN_API.of(rule)
    body = document["paths"]["/api/v1/automation/events"]["post"]["requestBody"]
    sent = body["content"]["application/cloudevents+json"]["schema"]
    return body, jsonschema_rs.Draft202012Validator({**sent, "components": document["components"]})


@pytest.mark.parametrize(
    ("types", "taken", "refused"),
    [
        (["*"], ["order.created", "a"], []),
        (["order.created", "*"], ["order.created", "a"], []),
        (["order.created"], ["order.created"], ["order.created.twice", "a"]),
        (["return.*"], ["return.made", "return."], ["return", "returned.made", "a.return.made"]),
        (["return.*", "order.*"], ["return.made", "order.made"], ["a"]),
    ],
)
def test_of_types_those_are_taken_that_a_rule_waits_for(types: list[str], taken: list[str], refused: list[str]) -> None:
    body, validator = publication(types, None)

    event = {"specversion": "1.0", "id": "1", "source": "https://a.example"}
    assert [each for each in (*taken, *refused) if validator.is_valid({**event, "type": each})] == taken
    assert body["required"]


@pytest.mark.parametrize(
    ("schema", "valid"),
    [(None, True), ({}, True), ({"properties": {"data": {}}}, True), (DATA, False)],
    ids=["none", "any", "any data", "data"],
)
def test_data_of_an_event_must_be_there_where_the_schema_takes_no_null(schema: Any, valid: bool) -> None:
    _, validator = publication(["a"], schema)

    event = {"specversion": "1.0", "id": "1", "source": "https://a.example", "type": "a"}
    assert validator.is_valid(event) is valid


@pytest.mark.parametrize(
    ("kind", "node", "made"),
    [
        ("response", {"description": "d", "links": {}}, {"description": "d"}),
        ("parameter", {"nullable": True, "links": {}}, {"nullable": True, "links": {}}),
        ("schema", {"$ref": "#", "nullable": True}, {"$ref": "#", "nullable": True}),
        ("schema", {"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ("schema", {"type": "string", "nullable": False, "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ("schema", {"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ("schema", {"type": "string", "nullable": True, "enum": []}, {"type": ["string", "null"], "enum": [None]}),
        ("schema", {"nullable": True, "discriminator": {}, "oneOf": []}, {"oneOf": []}),
        ("schema", {"minimum": 1, "maximum": 9}, {"minimum": 1, "maximum": 9}),
        ("schema", {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ("schema", {"maximum": 9, "exclusiveMaximum": True}, {"exclusiveMaximum": 9}),
        ("schema", {"maximum": 9, "exclusiveMaximum": False}, {"maximum": 9}),
    ],
)
def test_a_part_of_the_contract_is_said_in_the_words_of_3_1(
    kind: str, node: dict[str, Any], made: dict[str, Any]
) -> None:
    assert rule_openapi._modern(kind, node) == made
