"""Our own rules find, in the schemas of our own contract, what specshift misses."""

import pytest

from tests.tools.contract_diff.variants import (
    Edit,
    Json,
    component,
    found,
    found_by_specshift,
    found_by_us,
    member,
    response,
    schema,
)
from tools.contract_diff.schemas import RULES, UNSEEN

EXECUTION = "AutomationExecution"
INPUT = "AutomationRuleInput"


def _values_of(kind: Json) -> Edit:
    """Return the edit that says what the values of a log entry's metadata are."""
    return lambda document: member(document, "metadata", of="AutomationExecutionLogEntry").update(
        additionalProperties=kind
    )


def _readable(kind: Json) -> Edit:
    """Return the edit that offers the contract as JSON in another media type too."""
    return lambda document: response(document, "getContractJson", "200")["content"].update(
        {"text/json": {"schema": kind}}
    )


CASES: dict[str, tuple[Edit, str, str]] = {
    "a response may be null": (
        lambda document: member(document, "tenant", of=EXECUTION).update(nullable=True),
        "nullable",
        "may be null now",
    ),
    "a request may not be null": (
        lambda document: member(document, "description", of=INPUT).pop("nullable"),
        "nullable",
        "null is no longer accepted",
    ),
    "elements may be null": (
        lambda document: member(document, "unresolved", of="PlannedAction")["items"].update(nullable=True),
        "nullable",
        "may be null now",
    ),
    "a problem's member may be null": (
        lambda document: member(document, "detail", of="Problem").update(nullable=True),
        "nullable",
        "may be null now",
    ),
    "a value may come": (
        lambda document: schema(document, "ExecutionStatus")["enum"].extend(["paused", "resumed"]),
        "enum",
        "new values may come: paused, resumed",
    ),
    "a value that is also sent may come": (
        lambda document: schema(document, "ConditionOperator")["enum"].append("between"),
        "enum",
        "new values may come: between",
    ),
    "any value may come": (
        lambda document: schema(document, "LogLevel").pop("enum"),
        "enum",
        "any value may come now",
    ),
    "some values are refused": (
        lambda document: member(document, "type", of="RuleAction").update(enum=["wait"]),
        "enum",
        "only some values are accepted now",
    ),
    "a response's type is gone": (
        lambda document: member(document, "actions_total", of=EXECUTION).pop("type"),
        "type",
        "type integer is gone",
    ),
    "a request's type is there": (
        lambda document: member(document, "value", of="Condition").update(type="string"),
        "type",
        "only type string is accepted now",
    ),
    "a response's format is gone": (
        lambda document: member(document, "execution_id", of=EXECUTION).pop("format"),
        "type",
        "format uuid is gone",
    ),
    "a request's format is there": (
        lambda document: member(document, "name", of=INPUT).update(format="regex"),
        "type",
        "only format regex is accepted now",
    ),
    "a parameter's format is there": (
        lambda document: component(document, "parameters", "IfMatch")["schema"].update(format="uuid"),
        "type",
        "only format uuid is accepted now",
    ),
    "a response's pattern is gone": (
        lambda document: member(document, "code", of="Problem").pop("pattern"),
        "pattern",
        "pattern ^[a-z][a-z0-9_]*$ no longer holds",
    ),
    "a request's limit is there": (
        lambda document: member(document, "config", of="RuleAction").update(maxProperties=5),
        "limit",
        "maxProperties none, now 5",
    ),
    "a request's member that isn't listed is required": (
        lambda document: member(document, "config", of="RuleAction").update(required=["url"]),
        "required",
        "now required: url",
    ),
    "a request's other members are told": (
        lambda document: member(document, "config", of="RuleAction").update(additionalProperties={"type": "string"}),
        "additional-members",
        "the values of additional members changed",
    ),
    "a schema is chosen from several": (
        lambda document: schema(document, "RuleAction").update(
            anyOf=[{"required": ["timeout_seconds"]}, {"required": ["retry_attempts"]}]
        ),
        "composition",
        "anyOf changed",
    ),
    "a schema is called otherwise": (
        lambda document: (
            document["components"]["schemas"].update(Level=document["components"]["schemas"].pop("LogLevel")),
            schema(document, "AutomationExecutionLogEntry")["properties"].update(
                level={"$ref": "#/components/schemas/Level"}
            ),
        ),
        "schema-renamed",
        "the schema is no longer called LogLevel",
    ),
    "a header's type changed": (
        lambda document: component(document, "headers", "RetryAfter")["schema"].update(type="string"),
        "header",
        "type integer, now string",
    ),
    "a header's format changed": (
        lambda document: component(document, "headers", "Location")["schema"].update(format="uuid"),
        "header",
        "format uri-reference, now uuid",
    ),
    "a header's limit is relaxed": (
        lambda document: component(document, "headers", "RequestId")["schema"].update(maxLength=256),
        "limit",
        "maxLength 128, now 256",
    ),
}

FOLLOWING: dict[str, tuple[Edit, Edit, str, str]] = {
    "a response's other members changed": (
        _values_of({"type": "string"}),
        _values_of({"type": "integer"}),
        "additional-members",
        "the values of additional members changed",
    ),
    "a response's other members are not told": (
        _values_of({"type": "string"}),
        _values_of({}),
        "additional-members",
        "the values of additional members changed",
    ),
    "an alternative's reference leads to something else": (
        lambda document: schema(document, EXECUTION)["properties"].update(
            status={"nullable": True, "allOf": [{"$ref": "#/components/schemas/ExecutionStatus"}]}
        ),
        lambda document: schema(document, "ExecutionStatus")["enum"].append("paused"),
        "composition",
        "allOf changed",
    ),
    "a second media type changed": (
        _readable({"type": "object"}),
        _readable({"type": "array", "items": {}}),
        "media-type",
        "it changed",
    ),
}


@pytest.mark.parametrize(("edit", "rule", "message"), CASES.values(), ids=CASES.keys())
def test_we_find(edit: Edit, rule: str, message: str) -> None:
    changes = found_by_us(edit)

    assert {(change.rule, change.what) for change in changes} == {(rule, message)}


@pytest.mark.parametrize("edit", [edit for edit, _, _ in CASES.values()], ids=CASES.keys())
def test_specshift_does_not_find(edit: Edit) -> None:
    """A rule of ours that specshift has learnt can go."""
    changes = found_by_specshift(edit)

    assert changes == []


@pytest.mark.parametrize(("before", "edit", "rule", "message"), FOLLOWING.values(), ids=FOLLOWING.keys())
def test_we_find_afterwards(before: Edit, edit: Edit, rule: str, message: str) -> None:
    changes = found_by_us(edit, after=before)

    assert (rule, message) in {(change.rule, change.what) for change in changes}


@pytest.mark.parametrize(
    ("before", "edit"),
    [
        (_values_of({"type": "string"}), _values_of({"type": "string", "description": "Anything."})),
        (
            _values_of({"type": "string"}),
            lambda document: member(document, "metadata", of="AutomationExecutionLogEntry").update(
                additionalProperties=False
            ),
        ),
        (lambda document: None, _values_of({"type": "string"})),
        (
            lambda document: None,
            lambda document: member(document, "config", of="RuleAction").update(additionalProperties={}),
        ),
    ],
    ids=["described", "gone from a response", "told of a response", "any, in other words"],
)
def test_additional_members_stay_compatible(before: Edit, edit: Edit) -> None:
    assert found(edit, after=before) == []


def test_what_specshift_finds_is_not_said_twice() -> None:
    changes = found_by_us(lambda document: schema(document, "WritableRuleStatus")["enum"].remove("draft"))

    assert changes == []


def test_every_rule_has_a_case() -> None:
    tried = {rule for _, rule, _ in CASES.values()} | {rule for *_, rule, _ in FOLLOWING.values()}

    assert {*RULES, *(name for name, _ in UNSEEN.values())} <= tried


def test_a_schema_used_in_both_directions_counts_in_both() -> None:
    changes = found(lambda document: member(document, "timeout_seconds", of="RuleAction").update(minimum=0, maximum=60))

    said = {(change.place.direction, change.what.partition(" (")[0]) for change in changes}
    assert said == {
        ("request", "Constraint 'maximum' changed from 3600 to 60"),
        ("response", "minimum 1, now 0"),
    }


def test_a_recursive_schema_is_compared() -> None:
    def recurse(document: Json) -> None:
        schema(document, "Condition")["properties"]["all"] = {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Condition"},
        }

    changes = found(lambda document: member(document, "field", of="Condition").update(nullable=True), after=recurse)

    assert {change.place.steps for change in changes if change.place.operation == "getAutomationRule"} == {
        ("data", "conditions", "[]", "field")
    }


def test_a_recursive_alternative_is_compared() -> None:
    def recurse(document: Json) -> None:
        schema(document, "Condition")["anyOf"] = [{"not": {"$ref": "#/components/schemas/Condition"}}]

    assert found(lambda document: None, after=recurse) == []
    assert found(lambda document: schema(document, "Condition").pop("anyOf"), after=recurse) != []
