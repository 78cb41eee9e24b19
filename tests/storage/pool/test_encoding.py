"""PostgreSQL stores no NUL: each becomes U+FFFD, at a cost that nobody can raise by sending many."""

import orjson
import pytest

from automation.storage.pool.encoding import without_nul
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
