"""Deliveries to hooks: what tells one from others, what its run sees, and forms as the standard library reads them."""

import hmac
import json
import random
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.serving.request_head import RequestHead
from automation.domain.errors import InvalidBody, SecretsNotConfigured, SignatureInvalid
from automation.domain.hooks import Hook
from automation.engine.triggers.webhook import delivery_of, trigger_of, violations

FORM = "application/x-www-form-urlencoded"
HEAD = RequestHead(request_id="1", method="POST", headers={})
PARTS = ("a", "b", "Z", "_", "=", "&", "+", "%", "%3D", "%26", "%2b", "%25", "%c3%A9", "%ff", "%4", "%0A", "\n", "\r\n")
MORE = (" ", "é", "\t", "==", "%%", "=\n", "%\n", "%e2%82%ac", "%zz", "%3", "f", ";", ".", "\u2028")


def fields(content: bytes) -> dict[str, list[str]]:
    """Return the values of a form's fields."""
    body = trigger_of({}, HEAD, {}, RawBody(content, FORM))["body"]
    return {name: value if isinstance(value, list) else [value] for name, value in body.items()}


def expected(text: str) -> dict[str, list[str]] | None:
    """Return what the standard library reads; None where the text is not UTF-8 when it is unescaped."""
    found: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, errors="strict"):
            found.setdefault(name, []).append(value)
    except UnicodeDecodeError:
        return None
    return found


@pytest.mark.parametrize("seed", range(20))
def test_a_form_is_read_as_the_standard_library_reads_it(seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 (no secret is made of it)
    texts = ["".join(chosen.choices(PARTS + MORE, k=chosen.randrange(12))) for _ in range(200)]

    for text in texts:
        wanted = expected(text)
        if wanted is None:
            with pytest.raises(InvalidBody):
                fields(text.encode())
        else:
            assert fields(text.encode()) == wanted, text

    assert {expected(text) is None for text in texts} == {True, False}


def head(**headers: str) -> RequestHead:
    """Return the head of a request with headers, whose dashes are written as underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestHead(request_id="1", method="POST", headers=named)


def hook(config: dict[str, Any], secret: str | None = None) -> Hook:
    return Hook(tenant=uuid4(), rule_id=uuid4(), config=config, secret=secret)


def signed(content: bytes) -> str:
    return f"sha256={hmac.digest(b'a secret', content, 'sha256').hex()}"


NAMED = {"delivery_id_header": "X-Delivery"}
SIGNED = {"verification": {"type": "github", "secret": "${secrets.NAME}"}}


@pytest.mark.parametrize(
    ("config", "headers", "identifier"),
    [
        ({}, {"x_delivery": "7"}, None),
        (NAMED, {}, None),
        (NAMED, {"x_delivery": ""}, None),
        (NAMED, {"x_delivery": "7"}, b"7"),
        (NAMED, {"x_delivery": "\udce9"}, b"\xed\xb3\xa9"),
        (SIGNED, {}, None),
        (SIGNED, {"x_github_delivery": "8"}, b"8"),
        (SIGNED | NAMED, {"x_delivery": "7"}, b"7"),
        (SIGNED | NAMED, {"x_delivery": "7", "x_github_delivery": "8"}, b"8"),
    ],
)
def test_a_delivery_is_told_from_others_by_its_id(
    config: dict[str, Any], headers: dict[str, str], identifier: bytes | None
) -> None:
    sent = head(**headers, x_hub_signature_256=signed(b"a body"))

    told = delivery_of(hook(config, "a secret"), sent, RawBody(b"a body", "text/plain"), 0.0)

    assert told == (None if identifier is None else sha256(identifier).digest())


def test_without_a_body_nothing_was_signed() -> None:
    sent = head(x_hub_signature_256=signed(b""), x_github_delivery="8")

    assert delivery_of(hook(SIGNED, "a secret"), sent, None, 0.0) == sha256(b"8").digest()
    with pytest.raises(SignatureInvalid):
        delivery_of(hook(SIGNED, "a secret"), sent, RawBody(b"a body", "text/plain"), 0.0)


def test_what_must_be_signed_waits_until_its_secret_can_be_read() -> None:
    with pytest.raises(SecretsNotConfigured) as refused:
        delivery_of(hook(SIGNED), head(x_hub_signature_256=signed(b"")), None, 0.0)

    assert refused.value.headers == {"Retry-After": "60"}
    assert delivery_of(hook(NAMED), head(x_delivery="7"), None, 0.0) is not None


def test_headers_that_log_in_or_sign_are_refused_and_shown_to_no_run() -> None:
    config = {"headers": ["X-Topic", "Authorization", "X-Absent", "X-Hub-Signature"]}
    sent = head(x_topic="orders", authorization="Bearer a", x_hub_signature="b", x_other="c")

    trigger = trigger_of(config, sent, {"page": "1"}, None)

    assert [each.pointer for each in violations(config)] == ["/headers/1", "/headers/3"]
    assert trigger == {"body": None, "headers": {"x-topic": "orders"}, "method": "POST", "query": {"page": "1"}}
    assert json.loads(trigger.text) == trigger


@pytest.mark.parametrize(
    ("body", "value", "text"),
    [
        (None, None, "null"),
        (RawBody(b'{"n": 1.50}', "application/json"), {"n": 1.5}, '{"n": 1.50}'),
        (RawBody("ä".encode(), "text/plain"), "ä", '"ä"'),
        (RawBody(b"a\0b", "text/plain"), "a\ufffdb", '"a\\ufffdb"'),
        (RawBody(b"a=1&b=2&a=3&c", FORM), {"a": ["1", "3"], "b": "2", "c": ""}, '{"a":["1","3"],"b":"2","c":""}'),
    ],
)
def test_a_run_sees_the_body_as_its_media_type_has_it(body: RawBody | None, value: Any, text: str) -> None:
    trigger = trigger_of({}, HEAD, {}, body)

    assert trigger["body"] == value
    assert trigger.text.startswith(f'{{"body":{text},"headers":')


def test_text_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidBody):
        trigger_of({}, HEAD, {}, RawBody(b"\xff", "text/plain"))


def test_a_form_has_a_thousand_fields_and_no_more() -> None:
    assert len(fields(b"&".join(b"f%d=1" % number for number in range(1000)))) == 1000
    with pytest.raises(InvalidBody):
        fields(b"&".join(b"f%d=1" % number for number in range(1001)))
