"""Layers around a value are taken off as Python's own functions do it, whatever a receiver sends."""

import re
from html import unescape
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.runs.redaction import TooLong, within
from automation.engine.runs.unwrapping import unwrapped
from tests.engine.runs.counting import Counting

MUCH = 10**9
PIECES = [
    "%",
    "%41",
    "%2541",
    "%C3",
    "%a4",
    "%F0%9F%98%80",
    "ä",
    "a",
    "4",
    "&",
    "&amp;",
    "&#x41;",
    "&#65",
    "&lt",
    "#",
    ";",
]
PIECES += ["\\", "\\n", "\\u0041", "\\ud83d\\ude00", "\\ud83d", "\\x25", "u", "x", " ", "+", "\n", "\r", "&notit;"]


def in_one_go(text: str) -> str:
    """Take three layers off, each from the whole text at once."""
    for _ in range(3):
        plain = re.sub(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", character, unquote(text), flags=re.DOTALL)
        text = unescape(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return text.replace("\r", "").replace("\n", "").replace("+", " ")


def character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else {"n": "\n", "r": "\r"}.get(found[3], found[3])


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_layers_are_taken_off(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert unwrapped(text, within(MUCH)) == in_one_go(text)


@pytest.mark.parametrize(("text", "plain"), [("%252541", "A"), ("%25252541", "%41"), ("%2525252541", "%2541")])
def test_three_layers_are_taken_off_and_no_more(text: str, plain: str) -> None:
    assert unwrapped(text, within(MUCH)) == plain


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("nothing is encoded", 0),
        ("x" * 10_000, 0),
        ("100%", 1),
        ("100%" + "x" * 8192, 1 + 2),
        ("xxxxxxxx%41", 1 + 1),
        ("xxxxxxxx%41%42%43%44", 1 + 1 + 3),
        ("xxxxxxxx%2541", 1 + 1 + 1 + 1),
    ],
)
def test_a_step_is_paid_for_each_layer_and_for_what_is_encoded_in_it(text: str, steps: int) -> None:
    pace = Counting()

    unwrapped(text, pace)

    assert pace.steps == steps


@pytest.mark.parametrize("before", range(4))
def test_a_long_run_of_encoded_bytes_is_taken_off_character_by_character(before: int) -> None:
    text = "a" * before + "😀ä€" * 500

    assert unwrapped("".join(f"%{byte:02X}" for byte in text.encode()), within(MUCH)) == text
    assert unwrapped(quote(text), within(MUCH)) == text


@pytest.mark.parametrize(
    ("reference", "plain"),
    [
        (f"&#{'0' * 9000}65;", "A"),
        (f"&#x{'0' * 9000}41;", "A"),
        (f"&#{'0' * 35}65;", "A"),
        (f"&#{'9' * 9000};", "\ufffd"),
        (f"&#x{'f' * 9000};", "\ufffd"),
        (f"&#{'0' * 9000};", "\ufffd"),
    ],
    ids=["zeros", "zeros in hexadecimal", "zeros that are no more than a name has", "nines", "fs", "zeros alone"],
)
def test_a_reference_of_thousands_of_digits_is_a_character_or_none(reference: str, plain: str) -> None:
    assert unwrapped(f"{reference}b", within(MUCH)) == f"{plain}b"


@pytest.mark.parametrize("encoded", ["%41", "\\", "\\u0041", "&lt;", "&notit;", f"&{'a' * 31}", f"&#{'0' * 99}"])
def test_what_is_encoded_is_paid_for(encoded: str) -> None:
    with pytest.raises(TooLong):
        unwrapped(encoded * (65_536 // len(encoded)), within(8192))
