import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.engine.expressions.config_parts import MAX_RESOLVED_BYTES
from automation.engine.expressions.evaluation import (
    Budget,
    ExpressionFailed,
    ExpressionTooCostly,
    InvalidTemplate,
    MissingValue,
    TemplateTooLarge,
)
from automation.engine.expressions.templates import MAX_EXPRESSIONS, Template

SCOPE: Mapping[str, Any] = {
    "trigger": {
        "amount": 12.5,
        "count": 3,
        "customer": {"name": "Zoë", "tags": ["a", None]},
        "empty": "",
        "nothing": None,
        "odd}": "brace",
        "paid": True,
        "text": "word",
    },
    "context": {},
    "rule": {"name": "Late"},
    "execution": {},
}


def resolve(config: Any, scope: Mapping[str, Any] = SCOPE) -> Any:
    return Template.compile(config).resolve(scope)


@pytest.mark.parametrize(
    ("string", "value"),
    [
        ("${trigger.count}", 3),
        ("${trigger.amount}", 12.5),
        ("${trigger.paid}", True),
        ("${ trigger.customer }", {"name": "Zoë", "tags": ["a", None]}),
        ("${trigger.empty}", ""),
        ("${trigger.missing || `false`}", False),
    ],
)
def test_a_string_that_is_one_expression_becomes_its_value(string: str, value: Any) -> None:
    found = resolve(string)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("string", "text"),
    [
        ("no expression", "no expression"),
        ("", ""),
        ("${rule.name}: ${trigger.text}", "Late: word"),
        (" ${trigger.count}", " 3"),
        ("${trigger.count}${trigger.amount}", "312.5"),
        ("paid: ${trigger.paid}", "paid: true"),
        ("to ${trigger.customer}!", 'to {"name":"Zoë","tags":["a",null]}!'),
        ("<${trigger.empty}>", "<>"),
        ("$5, {x}, $, $$, }", "$5, {x}, $, $$, }"),
    ],
)
def test_in_a_longer_string_values_become_text(string: str, text: str) -> None:
    assert resolve(string) == text


@pytest.mark.parametrize(
    ("string", "text"),
    [
        ("$${trigger.text}", "${trigger.text}"),
        ("$$${trigger.text}", "$${trigger.text}"),
        ("a $${ b", "a ${ b"),
        ("$${${trigger.text}}", "${word}"),
        ("${'$'}${trigger.text}", "$word"),
        ("${'${'}${trigger.text}", "${word"),
    ],
)
def test_a_doubled_dollar_makes_the_opening_literal(string: str, text: str) -> None:
    assert resolve(string) == text


@pytest.mark.parametrize(
    ("string", "value"),
    [
        ("${trigger.{a: text, b: {c: count}}}", {"a": "word", "b": {"c": 3}}),
        ('${trigger."odd}"}', "brace"),
        ("${'}'}", "}"),
        (r"${'\'}'}", "'}"),
        ('${`{"a": "}"}`}', {"a": "}"}),
        (r'${`"\`}"`}', "`}"),
        ("${trigger.text}}", "word}"),
        ("${{a: '{'}} and ${trigger.text}", '{"a":"{"} and word'),
    ],
)
def test_braces_inside_an_expression_do_not_end_it(string: str, value: Any) -> None:
    assert resolve(string) == value


def test_strings_are_resolved_at_any_depth_and_keys_are_not() -> None:
    config = {"${trigger.text}": [{"n": ["${trigger.count}"]}, 1, None, False, 1.5], "list": []}

    assert resolve(config) == {"${trigger.text}": [{"n": [3]}, 1, None, False, 1.5], "list": []}


def test_what_was_resolved_shares_nothing_with_the_template_or_the_scope() -> None:
    config: dict[str, Any] = {"list": [], "value": "${trigger.list}"}
    scope: dict[str, Any] = {"trigger": {"list": []}}
    template = Template.compile(config)

    found = template.resolve(scope)
    found["list"].append(1)
    found["value"].append(1)

    assert template.resolve(scope) == {"list": [], "value": []}
    assert scope == {"trigger": {"list": []}}


@pytest.mark.parametrize("expression", ["trigger.nothing", "trigger.missing", "context.call.status"])
@pytest.mark.parametrize("template", ["${%s}", "see ${%s}"])
def test_a_missing_or_null_value_names_the_expression_and_the_place(template: str, expression: str) -> None:
    config = {"headers": {"a/b~c": ["fine", template.replace("%s", expression)]}}

    with pytest.raises(MissingValue) as missing:
        resolve(config)

    assert str(missing.value) == f"${{{expression}}} at /headers/a~1b~0c/1 has no value"


def test_a_failing_expression_names_the_place() -> None:
    with pytest.raises(ExpressionFailed) as failed:
        resolve({"url": "https://${abs(trigger.text)}"})

    assert str(failed.value) == "${abs(trigger.text)} at /url: abs() cannot take a string there"


@pytest.mark.parametrize(
    ("string", "message"),
    [
        ("${", "${ is not closed within 512 characters"),
        ("a ${trigger.text", "${trigger.text is not closed within 512 characters"),
        ("${trigger.{a: text}", "${trigger.{a: text} is not closed within 512 characters"),
        ("${trigger.'text}", "${trigger.'text}: a ' is not closed within 512 characters"),
        ("${}", "${}: the expression is empty"),
        ("${trigger.text} ${nothing()}", "${nothing()}: there is no function nothing"),
        ("$ ${trigger(}", "${trigger(}: the expression ends too early"),
        ("${" + "a" * 600 + "}", "${" + "a" * 80 + "… is not closed within 512 characters"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(string: str, message: str) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        Template.compile({"body": [string]})

    assert [(violation.pointer, violation.message) for violation in refused.value.violations] == [("/body/0", message)]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        Template.compile({"url": "${", "headers": {"x": "${y}"}, "text": "${trigger.text}"})

    assert [violation.pointer for violation in refused.value.violations] == ["/url", "/headers/x"]
    assert str(refused.value).startswith("/url: ${ is not closed")


def test_the_longest_expression_is_taken() -> None:
    expression = "trigger.text".ljust(512)

    assert resolve(f"${{{expression}}}!") == "word!"


def test_a_config_has_only_so_many_expressions() -> None:
    most = ["${trigger.count}"] * MAX_EXPRESSIONS

    with pytest.raises(InvalidTemplate) as refused:
        Template.compile([*most, "${trigger.count}"])

    assert resolve(most) == [3] * MAX_EXPRESSIONS
    assert refused.value.violations[0].pointer == f"/{MAX_EXPRESSIONS}"


def test_a_config_that_nests_too_deeply_is_refused() -> None:
    deep: Any = "${trigger.text}"
    for _ in range(500):
        deep = {"a": deep}

    with pytest.raises(InvalidTemplate):
        Template.compile(deep)


@pytest.mark.parametrize("string", ["${trigger}", "${trigger}!"])
def test_a_config_that_grows_too_large_is_stopped(string: str) -> None:
    scope = {"trigger": "ä" * (MAX_RESOLVED_BYTES // 4)}

    with pytest.raises(TemplateTooLarge) as stopped:
        resolve({"a": string, "b": string}, scope)

    assert str(stopped.value) == "the config grows beyond 262144 bytes at /b"
    assert resolve({"a": string}, scope)


def test_the_expressions_of_a_config_share_one_budget_of_time() -> None:
    template = Template.compile(["${length(trigger[?@ > `-1`])}"] * 100)
    began = time.process_time()

    with pytest.raises(ExpressionTooCostly, match="at /1: the evaluation takes too many steps"):
        template.resolve({"trigger": list(range(8000))})

    assert time.process_time() - began < 0.25


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(st.text("${}a'\" ", max_size=20))
def test_any_text_can_be_written_by_doubling_the_dollar(text: str) -> None:
    assert resolve([text.replace("${", "$${")]) == [text]


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(st.text("${}a'\"`\\ \n", max_size=20), st.text("${}b", max_size=5))
def test_any_string_can_stand_in_an_expression(text: str, tail: str) -> None:
    literal = text.replace("\\", "\\\\").replace("'", "\\'")
    read = literal.replace("\\'", "'")

    assert resolve(f"${{'{literal}'}}{tail.replace('${', '$${')}") == read + tail


def test_a_template_knows_which_variables_its_expressions_may_read() -> None:
    template = Template.compile({"a": ["${trigger.b}", "text"], "c": "${rule.d} and $${context.e}"})

    assert template.variables == {"trigger", "rule"}


def test_templates_that_belong_together_share_what_they_may_cost() -> None:
    template, budget = Template.compile("${trigger.text}"), Budget(size=1000)
    scope = {"trigger": {"text": "x" * 600}}
    template.resolve(scope, budget)

    with pytest.raises(ExpressionTooCostly):
        template.resolve(scope, budget)


@pytest.mark.parametrize("expression", ["trigger.a && 'QQQ1'", 'trigger.a && `"QQQ1"`', r"trigger.a && 'Q\'QQQ1'"])
def test_what_an_author_wrote_into_an_expression_is_not_told_where_it_fails(expression: str) -> None:
    template = Template.compile({"headers": {"Authorization": f"Bearer ${{{expression}}}"}})

    with pytest.raises(MissingValue) as failed:
        template.resolve({"trigger": {}})

    assert "QQQ1" not in str(failed.value)
    assert "trigger.a" in str(failed.value)
    assert "/headers/Authorization" in str(failed.value)
