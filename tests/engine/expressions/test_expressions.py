import contextlib
import json
import math
import time
import tracemalloc
from collections.abc import Mapping
from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.engine.expressions.evaluation import (
    MAX_SIZE,
    MAX_STEPS,
    Budget,
    EvaluationError,
    ExpressionFailed,
    ExpressionTooCostly,
    InvalidExpression,
)
from automation.engine.expressions.expressions import Expression
from automation.engine.expressions.interpreter import FUNCTIONS

MOST_SECONDS = 1.0
"""What is stopped takes a tenth of that, but a collection of a whole run's garbage may fall into it."""
MOST_BYTES = 16 << 20

LARGE: Mapping[str, Any] = {
    "rows": [{"id": number, "name": f"n{number}", "tags": ["a", "b"]} for number in range(5000)],
    "members": {str(number): number for number in range(50_000)},
    "numbers": list(range(90_000)),
    "strings": ["y" * 2000 + str(number) for number in range(300)],
    "text": "x" * 400_000,
}

PAIR = "[@, @]"


def evaluate(text: str, trigger: Any = None, **variables: Any) -> Any:
    return Expression.compile(text).evaluate({"trigger": trigger, **variables})


def piped(unit: str, start: str = "", times: int = 40) -> str:
    return " | ".join([start] * bool(start) + [unit] * times)[:512].rsplit(" | ", 1)[0]


def test_a_value_is_found_in_each_variable() -> None:
    scope = {name: {"key": name} for name in ("trigger", "context", "rule", "execution")}

    found = [Expression.compile(f"{name}.key").evaluate(scope) for name in scope]

    assert found == ["trigger", "context", "rule", "execution"]


@pytest.mark.parametrize("text", ["trigger.a.b", "trigger.list[7]", "context.call", "trigger.nothing"])
def test_what_is_missing_is_null_and_so_is_null(text: str) -> None:
    assert evaluate(text, {"list": [1], "nothing": None}) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("  ", "the expression is empty"),
        ("trigger.", "the expression ends too early"),
        ("trigger ]", "syntax error at column 9"),
        ("trigger # x", "syntax error at column 9"),
        ("trigger.'a", "the ' at column 9 is not closed"),
        ("trigger = `1`", "syntax error at column 9"),
        ("nothing(trigger)", "there is no function nothing"),
        ("length()", "length() takes 1 argument, not 0"),
        ("join(',')", "join() takes 2 arguments, not 1"),
        ("merge()", "merge() takes 1 or more arguments, not 0"),
        ("tirgger.amount", "there is no variable tirgger; there are trigger, context, rule, execution"),
        ("trigger.a || b", "there is no variable b; there are trigger, context, rule, execution"),
        ("`NaN`", "the literal at column 1 is not JSON; text is written 'text'"),
        ("[`1`, `-Infinity`]", "the literal at column 7 is not JSON; text is written 'text'"),
        ("`1e999`", "a literal cannot be used: a number is not finite"),
        ("`word`", "the literal at column 1 is not JSON; text is written 'text'"),
        ("trigger[::0]", "a slice cannot have a step of 0"),
        ("type(&trigger)", "& may only stand before an argument of a function that takes an expression"),
        ("[&trigger]", "& may only stand before an argument of a function that takes an expression"),
        ("'\ud800'", "the expression holds half of a surrogate pair"),
        (r'`"\ud800"`', "the expression holds half of a surrogate pair"),
        (r'{"\ud800": trigger}', "the expression holds half of a surrogate pair"),
        ("trigger" + ".a" * 300, "an expression has at most 512 characters"),
    ],
)
def test_what_can_never_be_evaluated_is_refused_in_one_short_sentence(text: str, message: str) -> None:
    with pytest.raises(InvalidExpression) as refused:
        Expression.compile(text)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "(" * 250 + "trigger" + ")" * 250,
        "[" * 250 + "trigger" + "]" * 250,
        "!" * 505 + "trigger",
        "&" * 505 + "trigger",
        "{a:" * 125 + "@" + "}" * 125,
        "abs(" * 100 + "@" + ")" * 100,
        "[?" * 170,
        "[" * 512,
        "`" + "[" * 255 + "]" * 255 + "`",
        "`" + "[" * 511,
        "*." * 255 + "*",
        "[*]" * 170,
        "[]" * 256,
        "@|" * 255 + "@",
        "@||" * 170 + "@",
        "@==" * 170 + "@",
        "map(&" * 60 + "@" + ",@)" * 60,
    ],
)
def test_deep_expressions_are_refused_before_they_are_run(text: str) -> None:
    began = time.process_time()

    with pytest.raises(InvalidExpression):
        Expression.compile(text)

    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize(
    "text",
    ["(" * 45 + "trigger" + ")" * 45, "!" * 45 + "trigger", "[" * 45 + "trigger" + "]" * 45, piped("@", times=48)],
)
def test_expressions_as_deep_as_allowed_run(text: str) -> None:
    Expression.compile(text).evaluate({"trigger": 1})


COSTLY = {
    "doubled strings": "'aaaaaaaa' | " + piped("join('', [@, @])", times=29),
    "doubled arrays": piped(PAIR, "trigger.text", times=28),
    "flattened pairs": piped("[@, @][]", times=28),
    "arrays of 90,000 flattened": "trigger.numbers | [@, @][] | [@, @][] | [][][][][][]",
    "text of shared parts": piped(PAIR, "`1`", times=30) + " | to_string(@)",
    "text of text": piped("to_string([@, @])", """'"'""", times=22),
    "equality of shared parts": f"[[{piped(PAIR, '`1`', 25)}], [{piped(PAIR, '`1`', 25)}]] | [0] == [1]",
    "search for shared parts": f"contains([{piped(PAIR, '`1`', 25)}], {piped(PAIR, '`1`', 25)})",
    "doubled members": piped("merge({a: @, b: @}, {c: @})", times=16),
    "merged members": f"merge({', '.join(['trigger.members'] * 25)})",
    "keys and values": "[keys(trigger.members), values(trigger.members)][] | [@, @][] | [@, @][]",
    "values of values": "*.*.*.*.*",
    "map in map in map": "trigger.rows | map(&[@, @], map(&[@, @], map(&[@, @], @)))",
    "products": "trigger.rows[*].[tags, tags, tags][].[@, @, @, @][].[@, @, @, @][].[@, @, @, @][]",
    "a wide sort_by": piped("sort_by(@, &name)", "trigger.rows", times=20),
    "sorts of long strings": "trigger.strings | [@, @][] | [@, @][] | [@, @][] | sort(@) | sort(@)",
    "reversed arrays": piped("reverse(@)", "trigger.numbers", times=30),
    "reversed text": piped("reverse(@)", "trigger.text", times=30),
    "slices": piped("[::1]", "trigger.numbers", times=30),
    "filters": "trigger.numbers[?'a' < 'b']",
    "comparisons of long strings": "[trigger.text, trigger.text] | [@[0] < @[1], @[1] < @[0], @[0] >= @[1]]",
    "equality of long strings": "[trigger.text, reverse(trigger.text)] | [@[0] == @[1], @[1] == @[0]]",
    "calls": "trigger.numbers[*].not_null(@, @, @, @, @, @, @, @)",
    "sums": "[@, @, @, @][*].trigger[].sum(numbers)",
    "a long separator": "join(trigger.text, trigger.strings)",
    "one long string many times": "trigger.text | " + piped(PAIR, times=15),
    "all there is": "[trigger]",
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_a_costly_evaluation_is_stopped_at_once(text: str) -> None:
    expression = Expression.compile(text)
    began = time.process_time()

    with pytest.raises(ExpressionTooCostly):
        expression.evaluate({"trigger": LARGE})

    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_a_costly_evaluation_takes_little_memory(text: str) -> None:
    expression = Expression.compile(text)
    tracemalloc.start()

    with pytest.raises(ExpressionTooCostly):
        expression.evaluate({"trigger": LARGE}, Budget(steps=MAX_STEPS // 4, size=MAX_SIZE))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES


def test_ordinary_expressions_stay_far_within_the_budget() -> None:
    rows = LARGE["rows"][:500]

    found = evaluate("sort_by(trigger[?id >= `490`], &name)[*].{id: id, tag: join('-', tags)} | [0]", rows)

    assert found == {"id": 490, "tag": "a-b"}


def test_a_budget_is_shared_by_the_evaluations_that_are_given_it() -> None:
    budget = Budget(steps=1000)
    expression = Expression.compile("trigger[*]")
    scope = {"trigger": [1] * 300}

    expression.evaluate(scope, budget)

    with pytest.raises(ExpressionTooCostly):
        expression.evaluate(scope, budget)


def test_a_value_that_nests_too_deeply_is_refused() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]

    for text in ("trigger", "to_string(trigger)", "trigger == context"):
        with pytest.raises(ExpressionTooCostly):
            evaluate(text, deep, context=json.loads(json.dumps(deep)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abs(trigger)", "abs() cannot take a string there"),
        ("length(context)", "length() cannot take null there"),
        ("sum(['1'])", "sum() cannot take a string there"),
        ("sort([`1`, 'a'])", "sort() cannot take a string there"),
        ("max([`true`])", "max() cannot take a boolean there"),
        ("sort_by([{a: `1`}, {a: 'x'}], &a)", "sort_by() compares numbers alone or strings alone"),
        ("max_by([{a: `1`}, {a: 'x'}], &a)", "max_by() compares numbers alone or strings alone"),
        ('min_by(`[{"a": 1}, {}]`, &a)', "min_by() compares numbers alone or strings alone"),
        ("sum(`[1e308, 1e308]`)", "a number is not finite"),
        ("avg(`[1e308, 1e308]`)", "a number is not finite"),
        ("sum([ceil(`1e308`), ceil(`1e308`), `0.5`])", "a number is not finite"),
    ],
)
def test_values_that_do_not_fit_fail_without_being_quoted(text: str, message: str) -> None:
    with pytest.raises(ExpressionFailed) as failed:
        evaluate(text, "secret")

    assert str(failed.value) == message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("`1` == `1.0`", True),
        ("`1` == `true`", False),
        ("[`1`] == [`true`]", False),
        ("{a: `0`} == {a: `false`}", False),
        ("[`1`, [`2`]] == `[1.0, [2.0]]`", True),
        ('{a: `1`, b: `2`} == `{"b": 2, "a": 1}`', True),
        ("'1' != `1`", True),
        ("'a' < `1`", None),
        ("'a' < 'b'", True),
        ("`true` < `2`", None),
        ("contains(`[1, 2]`, `true`)", False),
        ("contains('abc', `1`)", False),
        ("contains(`[[1], 2]`, `[1.0]`)", True),
        ("to_number('nan')", None),
        ("to_number('1e999')", None),
        ("to_number('1_0')", None),
        ("to_number(' 1')", None),
        ("to_number('٣')", None),
        ("to_number('-12')", -12),
        ("to_number('1.5e1')", 15.0),
        ("to_number('x')", None),
        ("to_number(`true`)", None),
        ("to_string({a: ['ä', `1.5`, `null`]})", '{"a":["ä",1.5,null]}'),
        ("to_string('ä')", "ä"),
        ("`[1, 2]` | [99999999999999999999]", None),
        ("`[1, 2, 3]`[::-1]", [3, 2, 1]),
        ('trigger."a}\'b"', None),
    ],
)
def test_values_are_jsons_not_pythons(text: str, value: Any) -> None:
    found = evaluate(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", [f"`{10**30}`", f"to_number('{10**30}')", "ceil(`1e30`)", "trigger", "sum([trigger])"])
def test_an_integer_beyond_64_bits_becomes_a_float(text: str) -> None:
    found = evaluate(text, 10**30)

    assert isinstance(found, float)
    assert math.isclose(found, 1e30)


def test_a_result_shares_nothing_with_the_expression_or_the_scope() -> None:
    scope: dict[str, Any] = {"trigger": {"list": [[]]}}
    expression = Expression.compile("[`[[]]`, trigger.list]")

    found = expression.evaluate(scope)
    found[0][0].append("changed")
    found[1][0].append("changed")

    assert expression.evaluate(scope) == [[[]], [[]]]


def test_what_is_not_plain_json_in_the_scope_is_a_mistake_of_the_engine() -> None:
    with pytest.raises(TypeError):
        evaluate("trigger", {"when": object()})


def test_every_function_of_jmespath_is_known_to_be_paid_for() -> None:
    known = (
        "abs avg base64 ceil contains ends_with floor join json keys length map max max_by merge min min_by not_null "
        "reverse sort sort_by starts_with sum to_array to_number to_string type uri_component values"
    )

    assert " ".join(sorted(FUNCTIONS)) == known


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("uri_component('a/b?c=d&e #ü')", "a%2Fb%3Fc%3Dd%26e%20%23%C3%BC"),
        ("uri_component(`1.5`)", "1.5"),
        ("uri_component(`true`)", "true"),
        ("json('say \"hi\"')", '"say \\"hi\\""'),
        ('json(`{"a": [1, null]}`)', '{"a":[1,null]}'),
        ("base64('ünï:code')", "w7xuw686Y29kZQ=="),
        ("base64('')", ""),
    ],
)
def test_functions_of_our_own_encode_for_other_places(expression: str, value: str) -> None:
    assert evaluate(expression, {}) == value


@pytest.mark.parametrize("function", ["uri_component", "base64"])
def test_what_functions_of_our_own_encode_is_paid_for_before_it_is_built(function: str) -> None:
    with pytest.raises(ExpressionTooCostly):
        evaluate(f"{function}(trigger)", "x" * 100_000)


def test_an_expression_shows_its_text_and_not_its_tree() -> None:
    expression = Expression.compile("trigger.a")

    assert repr(expression) == "Expression(text='trigger.a')"
    assert expression == Expression.compile("trigger.a")


WORDS = """
    trigger context.a [ ] [? ( ) { } , : . * @ & | || && ! == < 'a' `1` `{}` `"` " ' ` \\ [*] [] [::2] [0] join( map(&
    to_string( sort_by( merge( x: - 1 é
""".split()  # noqa: SIM905 - words, not strings, are to be read

VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("ab}{'", max_size=3),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.sampled_from("abc"), parts, max_size=3),
    max_leaves=12,
)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(
    trigger=VALUES,
    text=st.sampled_from(
        [
            "trigger",
            "trigger.a",
            "trigger.a.b || trigger.c",
            "trigger.*.a",
            "trigger[*].a",
            "trigger[].b",
            "trigger[?a == b]",
            "trigger[1:]",
            "trigger[-1]",
            "trigger && !trigger.a",
            "trigger.{x: a, y: [b, c]}",
            "to_array(trigger)[*].to_array(@)[]",
            "type(trigger)",
            "not_null(trigger.a, trigger.b, 'x')",
            "to_array(trigger) | reverse(@) | length(@)",
            "map(&a, to_array(trigger))",
        ]
    ),
)
def test_ordinary_expressions_mean_what_they_mean_in_jmespath(trigger: Any, text: str) -> None:
    assert evaluate(text, trigger) == jmespath.search(text, {"trigger": trigger})


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from(WORDS),
        max_size=25,
    )
)
def test_whatever_is_written_ends_in_json_or_in_one_of_our_errors(words: list[str]) -> None:
    with contextlib.suppress(EvaluationError):
        json.dumps(evaluate("".join(words), [{"a": [1, "b", None]}]), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("trigger.a.context", {"trigger"}),
        ("`1`", set()),
        ("trigger.list[?context == `1`].rule | [0]", {"trigger"}),
        ("[trigger.a, {b: context.c}]", {"trigger", "context"}),
        ("trigger.a || !execution.b && rule.c == `1`", {"trigger", "execution", "rule"}),
        ("max_by(trigger.list, &context)", {"trigger"}),
        ("length(context.list)", {"context"}),
        ("@", {"trigger", "context", "rule", "execution"}),
        ("*.a", {"trigger", "context", "rule", "execution"}),
        ("keys(@)", {"trigger", "context", "rule", "execution"}),
    ],
)
def test_an_expression_knows_which_variables_it_may_read(text: str, read: set[str]) -> None:
    assert Expression.compile(text).variables == read
