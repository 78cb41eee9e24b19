"""PostgreSQL stores no NUL: each becomes U+FFFD, at a cost that nobody can raise by sending many."""

from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

import orjson
import pytest

from automation.domain.opaque import Opaque
from automation.storage.pool.encoding import (
    canonical,
    decoded,
    encoded,
    plain,
    shortened,
    storable,
    uuid_array,
    without_nul,
)
from tests.call_counting import calls_of


@pytest.mark.parametrize(
    "text",
    ["", "\0", "\0\0a\0", "\\\0", "\\\\\0", "\\u0000", "\\\\u0000", "\\\0\\u0000\0", '"\0"\n\\', "\ufffd\u00ff\0"],
    ids=range(10),
)
def test_each_nul_and_nothing_else_becomes_the_character_for_what_is_none(text: str) -> None:
    document = orjson.dumps({text: [text]})

    found = orjson.loads(without_nul(document))

    expected = text.replace("\0", "\ufffd")
    assert found == {expected: [expected]}


def test_many_nuls_take_no_more_calls_than_one() -> None:
    one, many = orjson.dumps("\\\0"), orjson.dumps("\\\0" * 1000)

    assert calls_of(lambda: without_nul(many)) == calls_of(lambda: without_nul(one))


VALUES: list[tuple[object, str]] = [
    (None, "null"),
    ({"b": 1, "a": [True, 2.5, "\0"]}, '{"b":1,"a":[true,2.5,"\\ufffd"]}'),
    (MappingProxyType({7: MappingProxyType({"x": "y"})}), '{"7":{"x":"y"}}'),
    (datetime(2026, 3, 1, 12, tzinfo=UTC), '"2026-03-01T12:00:00+00:00"'),
    (Opaque({"a": 1}, '{ "a": 1.0 }'), '{ "a": 1.0 }'),
]


@pytest.mark.parametrize(("value", "document"), VALUES, ids=range(len(VALUES)))
def test_a_value_is_stored_as_json_and_what_is_opaque_as_it_came(value: object, document: str) -> None:
    assert encoded(value) == document


def test_the_canonical_form_is_the_same_for_the_same_members_in_any_order() -> None:
    one, other = {"b": {"d": 1, "c": 2}, 7: [MappingProxyType({"a": 1})]}, {7: [{"a": 1}], "b": {"c": 2, "d": 1}}

    assert canonical(one) == canonical(other) == '{"7":[{"a":1}],"b":{"c":2,"d":1}}'


@pytest.mark.parametrize(
    ("document", "value"),
    [('{"a": 1}', {"a": 1}), ('["\\u0000", "a"]', ["\ufffd", "a"]), ('"\\\\u0000"', "\\u0000")],
    ids=range(3),
)
def test_what_is_read_has_no_nul_either(document: str, value: object) -> None:
    assert decoded(document) == value


def test_a_text_that_is_stored_has_neither_nul_nor_half_a_character() -> None:
    assert storable("a\0b\ud800c\u00e4") == "a\ufffdb?c\u00e4"


@pytest.mark.parametrize(
    ("text", "most", "stored"),
    [
        (None, 11, None),
        ("a\0b", 11, "a\ufffdb"),
        ("abcdefghijk", 11, "abcdefghijk"),
        ("abcdefghijkl", 11, "abc […] jkl"),
        ("abcdefghijklm", 12, "abc […] klm"),
        ("abcdefghijklm", 13, "abcdefghijklm"),
        ("\0bcdefghijk\0", 11, "\ufffdbc […] jk\ufffd"),
    ],
)
def test_of_a_text_that_is_too_long_the_middle_is_left_out(text: str | None, most: int, stored: str | None) -> None:
    assert shortened(text, most) == stored


def test_an_array_of_uuids_is_written_as_postgresql_reads_it() -> None:
    one = UUID(int=1)

    assert [uuid_array(each) for each in ([], [one], [None, one])] == ["{}", f"{{{one}}}", f"{{NULL,{one}}}"]


def test_what_is_no_json_is_named_by_its_kind() -> None:
    with pytest.raises(TypeError, match="set is not JSON"):
        plain({1, 2})
    assert plain(MappingProxyType({"a": 1})) == {"a": 1}
