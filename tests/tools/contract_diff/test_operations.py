"""Our own rules find, in the operations and responses of our own contract, what specshift misses."""

import pytest

from tests.tools.contract_diff.variants import (
    Edit,
    component,
    found_by_specshift,
    found_by_us,
    operation,
    response,
)
from tools.contract_diff import operations, responses

RULE = "getAutomationRule"

CASES: dict[str, tuple[Edit, str, str, str]] = {
    "an operationId changed": (
        lambda document: operation(document, RULE).update(operationId="readAutomationRule"),
        "operation-renamed",
        "",
        "the operationId is readAutomationRule now",
    ),
    "a tag changed": (
        lambda document: operation(document, RULE).update(tags=["Service"]),
        "operation-moved",
        "",
        "tag Rules, now Service",
    ),
    "a permission changed": (
        lambda document: operation(document, RULE).update({"x-required-permission": "automation:update"}),
        "permission",
        "",
        "permission automation:read, now automation:update",
    ),
    "a permission is needed": (
        lambda document: operation(document, "getReadiness").update({"x-required-permission": "automation:read"}),
        "permission",
        "",
        "permission none, now automation:read",
    ),
    "a parameter's style changed": (
        lambda document: component(document, "parameters", "IfNoneMatch").update(explode=True),
        "parameter-form",
        "header parameter If-None-Match",
        "it is written in another style now",
    ),
    "another scheme is required": (
        lambda document: document.update(security=[{"Token": []}]),
        "security",
        "",
        "security ApiKey, now Token",
    ),
    "a second scheme is required": (
        lambda document: operation(document, RULE).update(security=[{"ApiKey": [], "Token": []}]),
        "security",
        "",
        "security ApiKey, now ApiKey and Token",
    ),
    "a scope is required": (
        lambda document: operation(document, RULE).update(security=[{"ApiKey": ["rules"]}]),
        "security",
        "",
        "security ApiKey, now ApiKey (rules)",
    ),
    "the key is sent in another header": (
        lambda document: component(document, "securitySchemes", "ApiKey").update(name="authorization"),
        "security",
        "security scheme ApiKey",
        "credentials are sent otherwise now",
    ),
    "a success may come": (
        lambda document: operation(document, RULE)["responses"].update({"202": {"description": "Later."}}),
        "success-added",
        "status 202",
        "it may come now",
    ),
    "a redirect may come": (
        lambda document: operation(document, RULE)["responses"].update({"307": {"description": "Elsewhere."}}),
        "success-added",
        "status 307",
        "it may come now",
    ),
    "a header is gone": (
        lambda document: response(document, RULE, "200")["headers"].pop("ETag"),
        "header",
        "response 200",
        "the header ETag is gone",
    ),
    "a shared response's header is gone": (
        lambda document: component(document, "responses", "Unavailable")["headers"].pop("Retry-After"),
        "header",
        "response 503",
        "the header Retry-After is gone",
    ),
    "a header may be left out": (
        lambda document: component(document, "headers", "Location").update(required=False),
        "header",
        "response 201 header location",
        "the header may be left out now",
    ),
    "a link is gone": (
        lambda document: response(document, RULE, "200")["links"].pop("execute"),
        "link",
        "response 200",
        "the link execute is gone",
    ),
    "a link leads elsewhere": (
        lambda document: response(document, RULE, "200")["links"]["execute"].update(operationId="getReadiness"),
        "link",
        "response 200",
        "the link execute leads to getReadiness now",
    ),
    "a problem's code changed": (
        lambda document: component(document, "examples", "RuleInUseProblem")["value"].update(code="rule_busy"),
        "problem-code",
        "response 409",
        "the code rule_in_use is gone",
    ),
}


@pytest.mark.parametrize(("edit", "rule", "part", "message"), CASES.values(), ids=CASES.keys())
def test_we_find(edit: Edit, rule: str, part: str, message: str) -> None:
    changes = found_by_us(edit)

    assert (rule, part, message) in {(change.rule, change.place.part, change.what) for change in changes}
    assert {change.rule for change in changes} == {rule}


@pytest.mark.parametrize("edit", [edit for edit, *_ in CASES.values()], ids=CASES.keys())
def test_specshift_does_not_find(edit: Edit) -> None:
    """A rule of ours that specshift has learnt can go."""
    changes = found_by_specshift(edit)

    assert changes == []


def test_every_rule_has_a_case() -> None:
    tried = {rule for _, rule, _, _ in CASES.values()}

    assert {*operations.RULES, *responses.RULES, "security", "problem-code"} == tried


def test_an_operation_is_known_by_the_name_that_clients_call_it() -> None:
    changes = found_by_us(lambda document: operation(document, RULE).update(operationId="readAutomationRule"))

    assert [change.place.operation for change in changes] == [RULE]
