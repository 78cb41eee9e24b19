"""The document of a rule's trigger: valid OpenAPI 3.1, with the rule's own schema in it."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from automation.contract.document.published import Published
from automation.domain.rules import Rule, RuleContent
from automation.engine.triggers.rule_openapi import RuleOpenApi
from tests.engine.triggers.schemas import ORDER
from tests.shipped_contract.shipped import DOCUMENT

OPEN_API = RuleOpenApi(Published(DOCUMENT, "/behind").current.document)


def a_rule(input_schema: Any, **fields: Any) -> Rule:
    """Return a rule that asks for something."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    content = RuleContent(name="Tell the warehouse", trigger_config={}, actions=(), input_schema=input_schema)
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
