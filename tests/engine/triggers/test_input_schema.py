"""An input schema: what it may be, what it costs at the most, and what it says of what it is asked of."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from automation.domain.errors import InvalidInput
from automation.domain.rules import RuleContent, RuleStatus, RuleVersion
from automation.engine.expressions.pace import STRETCH, Step, uncounted
from automation.engine.triggers.input_schema import (
    AT_ONCE,
    DEEPEST,
    LONGEST,
    MAX_COST,
    MAX_LISTED_COST,
    InputSchema,
    schema_violations,
)
from automation.engine.triggers.input_schemas import InputSchemas, OwnInputSchemas
from automation.engine.triggers.schema_patterns import LONGEST_PATTERNS, MOST_CLASSES, MOST_PATTERNS
from tests.engine.triggers.schemas import ORDER

Result = TypeVar("Result")


def found(schema: Any) -> list[tuple[str | None, str]]:
    """Return what is wrong with a schema as it is written."""
    return [(each.pointer, each.message) for each in schema_violations(schema)]


def refused(schema: Any, data: Any) -> list[tuple[str | None, str]]:
    """Return what a schema says of data, nothing where it takes them."""
    try:
        InputSchema(schema).require(data)
    except InvalidInput as error:
        return [(each.pointer, each.message) for each in error.violations]
    return []


def doubling(times: int) -> dict[str, Any]:
    """Return a schema that asks the same thing two to the power of so many times."""
    defs = {f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 2} for number in range(times)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{times}": {"type": "object"}}}


def test_a_schema_that_is_right_is_taken_and_so_is_what_it_describes() -> None:
    assert found(ORDER) == []
    assert refused(ORDER, {"total": 1.5, "items": [{"sku": "LAMP-OAK"}], "mail": "ada@example.com"}) == []


def test_what_is_wrong_is_told_with_pointers_and_without_the_values() -> None:
    data = {"total": -1, "items": [{"sku": "LAMP"}, {}], "mail": "nobody", "more": 1}

    assert sorted(refused(ORDER, data)) == [
        ("/trigger_data/items/1/sku", "is required"),
        ("/trigger_data/mail", "must be an email address"),
        ("/trigger_data/more", "is not a known member"),
        ("/trigger_data/total", "must be at least 0"),
    ]


@pytest.mark.parametrize(
    ("schema", "pointer", "words"),
    [
        ({"type": "objekt"}, "/type", "is not what JSON Schema 2020-12 has here"),
        ({"properties": {"a": 1}}, "/properties/a", "is not what JSON Schema 2020-12 has here"),
        ({"patternProperties": 7}, "/patternProperties", "is not what JSON Schema 2020-12 has here"),
        ({"properties": {"a": {"pattern": "(?=a)b"}}}, "/properties/a/pattern", "is no regular expression"),
        ({"pattern": "(a)\\1"}, "/pattern", "is no regular expression"),
        ({"pattern": "((a{1,99}){1,99}){1,99}"}, "/pattern", "or is too large"),
        ({"items": {"$ref": "https://example.com/schema"}}, "/items/$ref", "refers to no schema within this one"),
        ({"$ref": "//example.com/schema"}, "/$ref", "refers to no schema within this one"),
        ({"$ref": "file:///etc/passwd"}, "/$ref", "refers to no schema within this one"),
        ({"$ref": "#/$defs/nobody"}, "/$ref", "refers to no schema within this one"),
        ({"$ref": 1}, "/$ref", "refers to no schema within this one"),
        ({"$ref": "#"}, "", "refers to itself"),
        ({"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}, "/$defs/n", "refers to itself"),
        ({"$id": "https://example.com/"}, "/$id", "is not supported here"),
        ({"items": {"$anchor": "here"}}, "/items/$anchor", "is not supported here"),
        ({"items": {"$dynamicRef": "#here"}}, "/items/$dynamicRef", "is not supported here"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "is another dialect"),
        ({"not": {"$schema": ORDER["$schema"]}}, "/not/$schema", "stands at the top of a schema alone"),
        ({"description": "x" * LONGEST}, "", "has more than 32768 bytes"),
        ({"properties": {f"p{n}": {"pattern": "a"} for n in range(MOST_PATTERNS + 1)}}, "", "more than 50 patterns"),
        ({"patternProperties": {f"p{n}": {} for n in range(MOST_PATTERNS + 1)}}, "", "more than 50 patterns"),
    ],
)
def test_a_schema_that_could_not_be_asked_is_refused(schema: Any, pointer: str, words: str) -> None:
    ((place, message),) = found(schema)

    assert (place, words in message) == (pointer, True), message


def test_a_schema_may_be_nested_so_deep_and_no_deeper() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {} if levels == 1 else {"not": nested(levels - 1)}

    assert found(nested(DEEPEST)) == []
    assert found(nested(DEEPEST + 1)) == [("", "is nested deeper than 32 levels")]


@pytest.mark.parametrize(
    "schema",
    [
        doubling(40),
        {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(1_000)} | {"d1000": {}}, "$ref": "#/$defs/d0"},
        {"properties": {"a": {"enum": [1] * 15_000}}},
        {"unevaluatedProperties": {"unevaluatedProperties": {"unevaluatedProperties": {"unevaluatedItems": {}}}}},
    ],
    ids=["doubled", "a long way", "many values", "looking back"],
)
def test_a_schema_that_asks_too_much_of_one_value_is_refused_at_once(schema: dict[str, Any]) -> None:
    began = time.process_time()

    ((_, message),) = found(schema)

    assert "asks more than 10000 things of one value" in message
    assert time.process_time() - began < 1


def test_references_are_no_matter_as_long_as_all_together_ask_little() -> None:
    assert found(doubling(8)) == []


def test_data_that_would_take_too_long_are_refused_before_they_are_looked_at() -> None:
    schema = {"properties": {"a": {"items": {"allOf": [{"minimum": number} for number in range(100)]}}}}

    assert refused(schema, {"a": [1] * (MAX_COST // 100)}) == [
        ("/trigger_data", "is too large to be checked by the rule's input_schema")
    ]
    assert refused(schema, {"a": [100] * 1_000}) == []


def test_a_pattern_on_a_long_text_takes_linear_time() -> None:
    began = time.process_time()

    assert refused({"properties": {"a": {"pattern": "^(a*)*$"}}}, {"a": "a" * 400_000 + "b"}) == [
        ("/trigger_data/a", "does not have the required form")
    ]
    assert time.process_time() - began < 1


def test_of_much_that_is_wrong_the_first_is_told_and_no_time_lost_with_the_others() -> None:
    schema = {"properties": {"a": {"items": {"allOf": [{"minimum": 1}] * 20}}}}
    began = time.process_time()

    assert refused(schema, {"a": [0] * 5_000}) == [("/trigger_data/a/0", "must be at least 1")]
    assert time.process_time() - began < 1


@pytest.mark.parametrize(("cost", "told"), [(MAX_LISTED_COST, 2), (MAX_LISTED_COST + 1, 1)])
def test_all_that_is_wrong_is_told_where_asking_costs_no_more_than_so_much(cost: int, told: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        InputSchema({"required": ["a", "b"]}).require({}, cost)

    assert len(refusal.value.violations) == told


async def at_once(work: Callable[[Step], Result], /) -> Result:
    """Do what takes longer than a stretch."""
    return work(uncounted)


async def test_a_version_is_compiled_once_and_a_long_time_not_asked_for_forgotten() -> None:
    schemas, tenant, rule = InputSchemas(), uuid4(), uuid4()
    require = partial(schemas.require, in_thread=at_once)
    await require(tenant, rule, 1, {"required": ["a"]}, {"a": 1})

    await require(tenant, rule, 1, {"required": ["b"]}, {"a": 1})  # a version never says something else
    with pytest.raises(InvalidInput):
        await require(tenant, rule, 2, {"required": ["b"]}, {"a": 1})
    with pytest.raises(InvalidInput):
        await require(uuid4(), rule, 1, {"required": ["b"]}, {"a": 1})
    for version in range(3, 200):
        await require(tenant, rule, version, {}, {})
    with pytest.raises(InvalidInput):
        await require(tenant, rule, 1, {"required": ["b"]}, {"a": 1})


async def test_without_a_schema_anything_is_taken() -> None:
    await InputSchemas().require(uuid4(), uuid4(), 1, None, {"a": [[[]]]}, in_thread=at_once)


async def test_of_those_who_wait_for_the_same_large_schema_one_compiles_it() -> None:
    turn, made = asyncio.Lock(), list[object]()
    schemas, tenant, rule = InputSchemas(), uuid4(), uuid4()

    async def in_turn(work: Callable[[Step], Result], /) -> Result:
        async with turn:
            await asyncio.sleep(0)
            made.append(result := work(uncounted))
            return result

    asked = [schemas.require(tenant, rule, 1, LARGE, {"p1": "a"}, in_thread=in_turn) for _ in range(3)]
    await asyncio.gather(*asked)

    assert len(made) == 3
    assert len({id(each) for each in made}) == 1


LARGE: Any = {"properties": {f"p{number}": {"type": "string", "minLength": 1} for number in range(600)}}


def test_what_a_schema_costs_to_check_and_to_compile_is_counted_by_its_parts() -> None:
    steps, stretches = Counter[str](), list[int]()

    def step(count: int) -> None:
        steps["all"] += count
        stretches.append(count)

    assert list(schema_violations(LARGE, step)) == []
    checked = steps["all"]
    InputSchema(LARGE, step)

    assert 600 * 8 <= checked <= 600 * 16
    assert checked <= steps["all"] <= 2 * checked
    assert sum(each > STRETCH for each in stretches) == 2  # what the compiler does, each time


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["(?i)a"], "is a pattern with flags in it, such as (?i)"),
        (["(?i:a)"], "is a pattern with flags in it, such as (?i)"),
        (["(?-u:a)"], "is a pattern with flags in it, such as (?i)"),
        (["a{0}"], "is a pattern that repeats something no times, as {0} does"),
        (["(?:a){0,0}"], "is a pattern that repeats something no times, as {0} does"),
        (["a{,0}"], "is a pattern that repeats something no times, as {0} does"),
        (["a{00}"], "is a pattern that repeats something no times, as {0} does"),
    ],
)
@pytest.mark.parametrize("place", ["/pattern", "/patternProperties"])
def test_a_pattern_says_nothing_whose_cost_no_size_tells_of(patterns: list[str], message: str, place: str) -> None:
    schema: Any = {"pattern": patterns[0]} if place == "/pattern" else {"patternProperties": {patterns[0]: {}}}

    ((at, said),) = found(schema)

    assert said == message
    assert (at or "").startswith(place)


@pytest.mark.parametrize("pattern", ["^[A-Z]{2,3}[0-9]{1,10}$", "(?:a|b)+", "a{0,1}", "^\\p{L}+$", "x{10,}", "a{0,}"])
def test_what_patterns_are_made_of_elsewhere_is_taken(pattern: str) -> None:
    assert found({"pattern": pattern}) == []


def test_all_patterns_together_have_so_many_characters_and_classes_and_take_so_much() -> None:
    def patterns(*texts: str) -> dict[str, Any]:
        return {"properties": {f"p{number}": {"pattern": text} for number, text in enumerate(texts)}}

    assert found(patterns(*["a" * (LONGEST_PATTERNS // 2)] * 2)) == []
    assert found(patterns(*["a" * (LONGEST_PATTERNS // 2)] * 2, "b")) == [
        ("", "has patterns of more than 4,096 characters together")
    ]
    assert found(patterns(*[r"\p{L}"] * MOST_CLASSES)) == []
    assert found(patterns(*[r"\p{L}"] * MOST_CLASSES, r"\P{L}")) == [
        ("", "names more than 20 classes of Unicode characters (\\p, \\P)")
    ]
    assert found(patterns(r"\w{2000}")) == []
    ((_, message),) = found(patterns(*[r"\w{2000}"] * 30))
    assert message == "is no regular expression without look-around and back-references, or is too large"


async def test_what_costs_much_to_ask_is_asked_in_its_turn_at_a_pace_and_what_costs_little_at_once() -> None:
    schemas, tenant, rule, asked = InputSchemas(), uuid4(), uuid4(), list[int]()
    schema = {"properties": {"a": {"items": {"minimum": 0}}}}

    async def in_turn(work: Callable[[Step], Result], /) -> Result:
        return work(asked.append)

    for number in (AT_ONCE // 10, AT_ONCE):
        await schemas.require(tenant, rule, 1, schema, {"a": [1] * number}, in_thread=in_turn)

    (steps,) = asked
    assert steps >= 1_000

    with pytest.raises(InvalidInput):
        await schemas.require(tenant, rule, 1, schema, {"a": [1] * MAX_COST}, in_thread=in_turn)
    assert len(asked) == 1


async def test_what_the_clock_triggers_a_rule_with_is_asked_of_its_schema() -> None:
    schemas = OwnInputSchemas()
    content = RuleContent(name="r", status=RuleStatus.ACTIVE, trigger_config={}, actions=())
    rule = RuleVersion(tenant=uuid4(), rule_id=uuid4(), version=1, content=content)
    asking = replace(rule, content=replace(content, input_schema={"properties": {"a": {"type": "string"}}}))

    await schemas.require(rule, {"a": 1})
    await schemas.require(asking, {"a": "x"})
    with pytest.raises(InvalidInput) as refused_it:
        await schemas.require(asking, {"a": 1})

    assert [each.pointer for each in refused_it.value.violations] == ["/trigger_data/a"]
