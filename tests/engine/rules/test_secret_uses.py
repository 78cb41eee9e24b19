"""Secrets in rules: where they may stand, and what a rule says of them."""

from typing import Any
from uuid import uuid4

import pytest

from automation.domain.errors import InvalidBody
from automation.domain.rules import RuleContent
from automation.engine.actions import Actions
from automation.engine.expressions.evaluation import MissingSecret
from automation.engine.expressions.templates import Template
from automation.engine.rules.plan import plan
from automation.engine.rules.rule_check import checked_content
from automation.engine.rules.secret_uses import secret_uses
from tests.engine.triggers.shipped import TRIGGERS
from tests.storage.samples import a_rule

URL = "https://a.example/"


def checked(*actions: dict[str, Any], **members: Any) -> RuleContent:
    body = {"name": "Rule", "status": "active", "actions": [*actions], **members}
    return checked_content(body, Actions.load(), TRIGGERS)


def a_call(**config: Any) -> dict[str, Any]:
    return {"type": "webhook_call", "config": {"url": URL, **config}}


def refused(*actions: dict[str, Any], **members: Any) -> list[tuple[str | None, str]]:
    with pytest.raises(InvalidBody) as error:
        checked(*actions, **members)
    return [(violation.pointer, violation.message) for violation in error.value.violations]


def test_a_rule_tells_which_secrets_it_names_and_where() -> None:
    content = checked(
        a_call(headers={"Authorization": "Bearer ${secrets.TOKEN}"}, json={"a": ["${ secrets . OTHER }", 1, None]}),
        a_call(text="${secrets.TOKEN} ${secrets.TOKEN} $${secrets.NOT_ONE} secrets.NOR_THIS"),
    )

    assert secret_uses(content) == {
        "TOKEN": ("/actions/0/config/headers/Authorization", "/actions/1/config/text"),
        "OTHER": ("/actions/0/config/json/a/0",),
    }


@pytest.mark.parametrize(
    "expression",
    [
        "secrets",
        "secrets.A.b",
        "secrets.A[0]",
        "secrets.*",
        "length(secrets.A)",
        "secrets.A || 'x'",
        "{a: secrets.A}",
        "[secrets.A]",
        "trigger.a || secrets.A",
        'secrets."A"',
        "reverse(secrets.A)",
        "secrets.A | @",
    ],
)
def test_no_expression_reads_a_secret(expression: str) -> None:
    ((place, message),) = refused(a_call(text=f"${{{expression}}}"))

    assert place == "/actions/0/config/text"
    assert "a secret is put in as it is" in message


@pytest.mark.parametrize("expression", ["@", "*", "keys(@)", "to_string(@)", "values(@)"])
def test_what_takes_all_variables_takes_no_secret(expression: str) -> None:
    template = Template.compile(f"${{{expression}}}")

    assert "sesame" not in str(template.resolve({"trigger": {}}, secrets={"A": "open sesame"}))


@pytest.mark.parametrize("field", ["secrets.A", "starts_with(secrets.A, 'a')", "trigger.a && secrets.A"])
def test_no_condition_reads_a_secret(field: str) -> None:
    ((place, message),) = refused(a_call(), conditions=[{"field": field, "operator": "exists"}])

    assert place == "/conditions/0/field"
    assert "a secret is put in as it is" in message


def test_until_when_an_execution_waits_is_no_secret() -> None:
    found = refused({"type": "wait", "config": {"seconds": "${secrets.A}"}})

    assert found == [("/actions/0/config/seconds", "an action that waits takes no secret")]


def test_a_rule_names_ten_secrets_at_the_most() -> None:
    ten = "".join(f"${{secrets.S{number}}}" for number in range(10))
    checked(a_call(text=ten), a_call(text=ten))

    ((place, message),) = refused(a_call(text=ten), a_call(text="${secrets.ONE_MORE}"))

    assert place == "/actions/1"
    assert message == "a rule names at most 10 secrets: with this action it names 11"


@pytest.mark.parametrize(
    ("config", "resolved"),
    [
        ("${secrets.A}", "open sesame"),
        ("Bearer ${secrets.A}!", "Bearer open sesame!"),
        ({"a": ["${trigger.b}${secrets.A}"]}, {"a": ["1open sesame"]}),
    ],
)
def test_a_secret_is_put_in_as_it_is(config: Any, resolved: Any) -> None:
    assert Template.compile(config).resolve({"trigger": {"b": 1}}, secrets={"A": "open sesame"}) == resolved


@pytest.mark.parametrize("secrets", [{}, {"A": None}])
def test_a_secret_that_is_not_there_fails_with_its_place(secrets: dict[str, str | None]) -> None:
    with pytest.raises(MissingSecret, match=r"\$\{secrets.A\} at /x"):
        Template.compile({"x": "${secrets.A}"}).resolve({}, secrets=secrets)


def test_a_plan_shows_the_name_and_looks_nothing_up() -> None:
    content = checked(a_call(text="${secrets.A}", headers={"Authorization": "Bearer ${secrets.B}"}))
    rule = a_rule(uuid4(), content=content)

    (action,) = plan(rule, Actions.load(), trigger_data={}, override_conditions=True).actions

    assert action.config["text"] == "${secrets.A}"
    assert action.config["headers"] == {"Authorization": "Bearer ${secrets.B}"}
    assert tuple(sorted(action.unresolved)) == ("/headers/Authorization", "/text")
