"""Places of what strict JSON refuses are found in all that isn't too large for it."""

from collections.abc import Callable

import pytest

from automation.contract.compiled.json_places import of_integer, of_nul, of_repeated_member

LARGEST = 16_384
FINDERS: list[tuple[Callable[[bytes], str], bytes]] = [
    (of_repeated_member, b'{"a": {"b": 1, "b": 2}}'),
    (lambda content: of_integer(content, lambda text: len(text) > 2, frozenset()), b'{"a": {"b": 123}}'),
    (lambda content: of_nul(content, frozenset()), b'{"a": {"b": "\\u0000"}}'),
]


@pytest.mark.parametrize(("find", "content"), FINDERS, ids=["repeated", "integer", "nul"])
def test_a_place_is_found_in_16_kib_and_in_no_more(find: Callable[[bytes], str], content: bytes) -> None:
    assert find(content) == find(content.ljust(LARGEST)) == "/a/b"
    assert find(content.ljust(LARGEST + 1)) == ""


def test_what_is_opaque_is_not_looked_at() -> None:
    content = b'{"trigger": {"b": 123}, "a": [1, {"c": 456}]}'

    assert of_integer(content, lambda text: len(text) > 2, frozenset({"trigger"})) == "/a/1/c"
    assert of_integer(content, lambda _: False, frozenset()) == ""
