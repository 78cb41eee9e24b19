"""A body has 50,000 values at the most: reading it takes calls for each one, and meanwhile nobody else is served."""

from collections.abc import Callable
from typing import Any

import pytest

from automation.contract.compiled.strict_json import MOST_VALUES, parsed, parsed_items, parsed_keeping, parsed_opaque
from automation.domain.errors import InvalidBody
from tests.call_counting import calls_of

READINGS: dict[str, Callable[[bytes], Any]] = {
    "strictly": parsed,
    "keeping a member": lambda content: parsed_keeping(content, frozenset({"opaque"})),
    "as opaque": parsed_opaque,
    "by items": lambda content: list(parsed_items(content)),
}
FEW_CALLS = 50


def array(values: int, each: bytes = b"1") -> bytes:
    """Return an array that is so many values, itself among them."""
    return b"[" + b",".join([each] * (values - 1)) + b"]"


def in_a_lost_member(values: int) -> bytes:
    """Return so many values that stand in a member that is given twice, and is lost to whoever reads it once."""
    return b'{"a":' + array(values - 2) + b',"a":1}'


def in_an_opaque_member(values: int) -> bytes:
    return b'{"opaque":{"a":' + array(values - 2) + b"}}"


@pytest.mark.parametrize("each", [b"1", b"{}", b" [ ] ", b'",[{"', b'"\\\\"', b'"\\",["'], ids=range(6))
def test_as_many_values_as_there_may_be_are_read(each: bytes) -> None:
    value, _ = parsed_opaque(array(MOST_VALUES, each))

    assert len(value) == MOST_VALUES - 1


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize(
    "content",
    [
        array(MOST_VALUES + 1),
        array(MOST_VALUES + 1, b"{}"),
        array(MOST_VALUES + 1, b'" "'),
        array(MOST_VALUES // 2 + 2, b"[[]]"),
        array(MOST_VALUES // 2 + 2, b'{"[" : 1}'),
        array(349_000, b"{}"),
        in_a_lost_member(MOST_VALUES + 1),
        in_an_opaque_member(MOST_VALUES + 1),
        b"[" + b"{}," * MOST_VALUES + b'"\\"\\',
    ],
    ids=["numbers", "objects", "texts", "nested", "members", "a mebibyte", "lost", "opaque", "no end"],
)
def test_more_are_refused_before_anything_is_done_for_each(name: str, content: bytes) -> None:
    def read() -> None:
        try:
            READINGS[name](content)
        except InvalidBody as error:
            refusals.append(str(error))

    refusals: list[str] = []

    calls = calls_of(read)

    assert refusals == ["The body has more than 50000 values."]
    assert calls < FEW_CALLS


def test_items_that_nobody_takes_any_more_cost_no_calls() -> None:
    few, many = array(4), array(1000)

    def first_of(content: bytes) -> None:
        next(parsed_items(content))

    assert calls_of(lambda: first_of(many)) == calls_of(lambda: first_of(few))
