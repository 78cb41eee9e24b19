"""Values of secrets are found in what is stored of a run, in whichever form they come back."""

import base64
import json
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.domain.opaque import Opaque
from automation.engine.runs.redaction import Redaction

VALUE = 'pa$$ w0rd/"ünd"<more>'


def knowing(*values: str) -> Redaction:
    redaction = Redaction()
    redaction.learn(values)
    return redaction


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        VALUE.lower(),
        quote(VALUE, safe=""),
        quote(VALUE, safe="").lower(),
        quote_plus(VALUE),
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        escape(VALUE),
        VALUE.encode().hex(),
    ],
)
def test_a_value_is_found_in_each_of_its_forms(form: str) -> None:
    redaction = knowing(VALUE)

    assert redaction.text(f"before {form} after {form}") == "before *** after ***"


@pytest.mark.parametrize(
    "form",
    [
        quote(VALUE),  # a slash stays
        quote(quote(VALUE, safe=""), safe=""),
        "".join(f"%{byte:02x}" for byte in VALUE.encode()),
        json.dumps(json.dumps(VALUE)),
        quote_plus(json.dumps({"secret": VALUE})),
        "".join(f"\\u{ord(character):04x}" for character in VALUE),
        "".join(f"&#{ord(character)};" for character in VALUE),
        escape(VALUE).replace("&quot;", "&#x22;"),
        base64.encodebytes(b"a user: " * 6 + VALUE.encode()).decode(),
        f"{VALUE[:9]}\r\n{VALUE[9:]}",
    ],
    ids=lambda form: str(form)[:20].encode("unicode_escape").decode(),
)
def test_a_text_with_a_value_in_other_encodings_is_replaced_as_a_whole(form: str) -> None:
    redaction = knowing(VALUE)
    told = {"log": ["clean", f"before {form} after"], f"{form}": 1}

    assert redaction.text(f"before {form} after") == "***"
    assert redaction.value(told) == {"log": ["clean", "***"], "***": 1}


def test_a_character_that_json_writes_in_two_halves_is_found() -> None:
    assert knowing("a secret 😀 of mine").text(json.dumps(json.dumps("a secret 😀 of mine"))) == "***"


def test_what_has_escapes_and_no_value_stays() -> None:
    text = r"100 % of C:\users & \u12 &lt;b&gt; +49 %zz" + "\n"

    assert knowing(VALUE).text(text) == text
    assert knowing(VALUE).value({"a": text, "b": [text]}) == {"a": text, "b": [text]}


@given(value=st.text(min_size=8), before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_what_base64_makes_of_a_value_is_found_wherever_it_begins(value: str, before: bytes, after: bytes) -> None:
    redaction = knowing(value)
    content = before + value.encode() + after

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert "***" in redaction.text(f"Basic {encode(content).decode()}")


@given(value=st.text(min_size=8), text=st.text())
def test_a_value_is_never_left(value: str, text: str) -> None:
    assert value not in knowing(value).text(text + value + text)


@given(text=st.text())
def test_a_text_without_a_value_stays_as_it_is(text: str) -> None:
    assert knowing("a value that nobody has").text(text) == text


def test_a_value_that_was_cut_off_at_the_end_of_a_text_is_found() -> None:
    redaction = knowing("0123456789abcdef")

    assert redaction.text("authorization: Bearer 0123456789") == "authorization: Bearer ***"
    assert redaction.text("authorization: Bearer 01234567") == "authorization: Bearer ***"
    assert redaction.text("01234567 stands for itself") == "01234567 stands for itself"


def test_the_lines_of_a_value_are_found_one_by_one() -> None:
    redaction = knowing("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n")

    assert redaction.text("it begins with MIIEvQIBADANBgkqhkiG and short") == "it begins with *** and short"


def test_what_follows_the_host_of_an_address_is_found() -> None:
    redaction = knowing("https://hooks.example.com/services/T04/B19?key=7")

    assert redaction.text("no route for /services/T04/B19?key=7") == "no route for /***"
    assert redaction.text("hooks.example.com was called") == "hooks.example.com was called"


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        ({"a": [f"Bearer {VALUE}", 1, None, True]}, {"a": ["Bearer ***", 1, None, True]}),
        ({VALUE: 1}, {"***": 1}),
        ({"a": {"b": "clean"}}, {"a": {"b": "clean"}}),
    ],
)
def test_a_value_is_found_in_members_and_names(value: Any, redacted: Any) -> None:
    assert knowing(VALUE).value(value) == redacted


def test_a_value_of_digits_is_found_in_numbers() -> None:
    assert knowing("12345678").value({"pin": 12345678, "other": 1234567, "more": 9123456780}) == {
        "pin": "***",
        "other": 1234567,
        "more": "***",
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "0123456789abcdef"}',
        r'{"a": "\u00301234567\u0038\u0039abcdef"}',
        '{"a": "0123456789abcdef", "a": "clean"}',
        '{"a": "clean", "0123456789abcdef": {"0123456789abcdef": 1}}',
    ],
)
def test_a_value_is_found_in_the_text_of_opaque_json(text: str) -> None:
    redacted = knowing("0123456789abcdef").value(Opaque(orjson.loads(text), text))

    assert isinstance(redacted, Opaque)
    assert "abcdef" not in redacted.text
    assert "abcdef" not in str(dict(redacted))


def test_opaque_json_without_a_value_keeps_every_digit() -> None:
    opaque = Opaque({"a": 0.1}, '{"a": 0.1000000000000000000001}')

    assert knowing(VALUE).value(opaque) is opaque


def test_what_knows_nothing_changes_nothing() -> None:
    value = {"a": VALUE}

    assert Redaction().value(value) is value
    assert Redaction().text(VALUE) == VALUE


def test_a_former_value_is_still_found() -> None:
    redaction = knowing("the first value")
    redaction.learn(["the second value"])

    assert redaction.text("the first value, the second value") == "***, ***"
