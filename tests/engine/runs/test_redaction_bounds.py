"""Bounds of what is searched for in what a run stores: shortest values, lines and beginnings, and how far is looked."""

import base64
from html import escape

import pytest

from automation.domain.secrets import LEAST_CHARACTERS
from automation.engine.runs.redaction import Redaction


def knowing(*values: str) -> Redaction:
    redaction = Redaction()
    redaction.learn(values)
    return redaction


@pytest.mark.parametrize(("length", "found"), [(LEAST_CHARACTERS - 1, False), (LEAST_CHARACTERS, True)])
def test_the_shortest_value_is_found_as_it_is_and_in_encodings_around_each_other(*, length: int, found: bool) -> None:
    value = "sesame78"[:length]
    twice = "".join(f"&#{ord(character)};" for character in "".join(f"\\u{ord(each):04x}" for each in value))

    redacted = [knowing(value).text(f"it is {form} here") for form in (value, twice)]

    assert redacted == (["it is *** here", "***"] if found else [f"it is {value} here", f"it is {twice} here"])


@pytest.mark.parametrize(("length", "found"), [(15, False), (16, True)])
@pytest.mark.parametrize("lines", [2, 3])
def test_a_line_of_sixteen_characters_is_found_by_itself(lines: int, *, length: int, found: bool) -> None:
    line = "0123456789abcdef"[:length]
    redaction = knowing("\n".join([line, *["another line of the value"] * (lines - 1)]))

    assert (redaction.text(f"of it: {line}, and so on") == "of it: ***, and so on") is found


@pytest.mark.parametrize(("length", "found"), [(7, False), (8, True)])
def test_what_follows_a_host_is_found_from_eight_characters_on(*, length: int, found: bool) -> None:
    behind = "path/of/it"[:length]
    redaction = knowing(f"https://receiver.example/{behind}")

    assert (redaction.text(f"POST /{behind} HTTP") == "POST /*** HTTP") is found


@pytest.mark.parametrize(
    "value",
    [
        "http://[no-address",
        "mailto:someone@receiver.example",
        "//receiver.example/no/scheme",
        "://",
        "a scheme:and more",
    ],
)
def test_what_only_looks_like_an_address_is_found_as_a_whole(value: str) -> None:
    redaction = knowing(value, "another value")

    assert redaction.text("another value, and more") == "***, and more"
    if len(value) >= LEAST_CHARACTERS:
        assert redaction.text(f"it is {value}!") == "it is ***!"


def test_a_value_is_found_with_its_quotes_as_they_are_in_a_text_of_html() -> None:
    value = 'less < "more" & all'

    assert knowing(value).text(f"<p>{escape(value, quote=False)}</p>") == "<p>***</p>"


@pytest.mark.parametrize("before", [b"", b"a", b"ab"])
def test_in_base64_all_characters_that_are_the_values_alone_are_replaced(before: bytes) -> None:
    value = "a value that is long"
    encoded = base64.b64encode(before + value.encode() + b"xyz").decode()
    own = encoded[-(-len(before) * 8 // 6) : (len(before) + len(value)) * 8 // 6]

    assert knowing(value).text(f"Basic {encoded}") == f"Basic {encoded.replace(own, '***')}"


@pytest.mark.parametrize("length", [LEAST_CHARACTERS, LEAST_CHARACTERS + 1, 20])
@pytest.mark.parametrize("before", ["", "x", "before it "])
def test_a_beginning_at_the_end_of_a_text_is_found_wherever_the_text_begins(before: str, length: int) -> None:
    value = "the value of a secret, which is long"

    assert knowing(value).text(before + value[:length]) == f"{before}***"
    assert knowing(value).text(before + value[: LEAST_CHARACTERS - 1]) == before + value[: LEAST_CHARACTERS - 1]


@pytest.mark.parametrize("others", [0, 1, 200])
def test_however_many_beginnings_stand_before_it_one_at_the_end_is_found(others: int) -> None:
    beginning = "01234567"
    value = beginning + "x" * 1000 + "and the rest of it"

    assert knowing(value).text(beginning * others + beginning + "xx") == beginning * others + "***"
