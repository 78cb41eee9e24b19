"""Digests of requests that carry an Idempotency-Key: what is given back as it was sent is told apart as it was sent."""

import json

import pytest

from automation.domain.opaque import Opaque
from automation.service.repeated_writes import _canonical, unquoted


def canonical(text: str) -> str:
    return _canonical(Opaque(json.loads(text), text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":10000000000000000000001}', '{"a":10000000000000000000002}'),
        ('{"a":0.10000000000000000001}', '{"a":0.1}'),
        ('{"a":"\\u0000"}', '{"a":"\\ufffd"}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":1}', '{"a":["number","1"]}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
    ],
)
def test_other_data_is_another_request(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": "\\u0041"}', '{"b":"A","a":1}'),
        ('{"a": 1, "b": 1}', '{"b": 1, "a": 1}'),
        ('{"a": {"c": 1, "b": 2}}', '{"a": {"b": 2, "c": 1}}'),
    ],
)
def test_spelling_makes_no_other_request(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("sent", "key"),
    [('"a"', "a"), ("a", "a"), (r'"a\"b\\c"', r'a"b\c'), ('"a";b=1', "a"), ('"a', '"a')],
)
def test_a_key_is_what_its_string_says(sent: str, key: str) -> None:
    assert unquoted(sent) == key
