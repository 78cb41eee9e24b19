"""Verification of what is sent to hooks: signed in the forms of those who send, refused where not, or too long ago."""

import base64
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from automation.domain.errors import SignatureInvalid
from automation.engine.triggers.verification import TOLERANCE_SECONDS, standard_key, verified

NOW = 1_800_000_000.0
SECRET = "It's a Secret to Everybody"
STANDARD = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
CONTENT = b'{"id": "evt_1", "total": 12.50}'

Headers = dict[str, str]


def mac(content: bytes, secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), content, "sha256")


def github(content: bytes) -> Headers:
    return {"x-hub-signature-256": f"sha256={mac(content).hex()}", "x-github-delivery": "72d3162e"}


def shopify(content: bytes) -> Headers:
    signature = base64.b64encode(mac(content)).decode()
    return {"x-shopify-hmac-sha256": signature, "x-shopify-webhook-id": "b54557e4"}


def stripe(content: bytes, seconds: float = NOW, *others: str) -> Headers:
    signature = mac(b"%d.%b" % (seconds, content)).hex()
    return {"stripe-signature": ",".join([f"t={seconds:.0f}", *others, f"v1={signature}", "v0=abc"])}


def standard_webhooks(content: bytes, ago: float = 0) -> Headers:
    signed = datetime.now(UTC) - timedelta(seconds=ago)
    signature = Webhook(STANDARD).sign("msg_1", signed, content.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(signed.timestamp())),
        "webhook-signature": f"v1,bm9uZQ== {signature}",
    }


def check(kind: str, headers: Headers, content: bytes = CONTENT, secret: str | None = None) -> str | None:
    """Return the delivery's id, by the settings of a kind."""
    config = {"type": kind, "secret": "${secrets.NAME}"}
    return verified(config, headers, content, secret or (STANDARD if "standard" in kind else SECRET), NOW)


SIGNED: dict[str, tuple[Callable[[bytes], Headers], str]] = {
    "github": (github, "72d3162e"),
    "shopify": (shopify, "b54557e4"),
    "standard_webhooks": (standard_webhooks, "msg_1"),
    "stripe": (stripe, "evt_1"),
}
UNSIGNED = ("", "sha256=", "sha1=" + "0" * 40, "t=1", "v1=", "v1", "ä", ",", "t=1,t=1,v1=0", "sha256=" + "é" * 64)
each_kind = pytest.mark.parametrize("kind", SIGNED)


@each_kind
def test_what_is_signed_has_an_id(kind: str) -> None:
    sign, identifier = SIGNED[kind]

    assert check(kind, sign(CONTENT)) == identifier


def test_what_is_no_json_is_signed_all_the_same() -> None:
    assert check("standard_webhooks", standard_webhooks(b"no json"), b"no json") == "msg_1"


def test_githubs_own_example_is_taken() -> None:
    signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert check("github", {"x-hub-signature-256": f"sha256={signature}"}, b"Hello, World!") is None


def test_an_id_with_a_dot_is_refused_for_it_could_be_a_part_of_another_delivery() -> None:
    now = int(datetime.now(UTC).timestamp())
    signed = standard_webhooks(b"%d.5" % now, ago=4000)
    moved = {"webhook-id": f"msg_1.{signed['webhook-timestamp']}", "webhook-timestamp": f"{now}"}

    with pytest.raises(SignatureInvalid):
        check("standard_webhooks", {**signed, **moved}, b"5")


@each_kind
def test_another_body_is_refused(kind: str) -> None:
    headers = SIGNED[kind][0](CONTENT)

    for content in (CONTENT + b" ", b""):
        with pytest.raises(SignatureInvalid):
            check(kind, headers, content)


@each_kind
def test_another_secret_is_refused(kind: str) -> None:
    other = "whsec_" + base64.b64encode(b"another secret of that length").decode()

    for secret in (other, "no base64 at all", "whsec_=="):
        with pytest.raises(SignatureInvalid):
            check(kind, SIGNED[kind][0](CONTENT), secret=secret)


@pytest.mark.parametrize(
    "secret", ["no base64 at all", "abcde", "whsec_", "whsec_==", "whsec_clés", "c2VjcmV0-_8=", " c2VjcmV0", ""]
)
def test_a_secret_that_is_no_key_is_told_of_and_not_shown(secret: str) -> None:
    headers = standard_webhooks(CONTENT)

    with pytest.raises(SignatureInvalid, match=r"no key of Standard Webhooks, which is base64") as refused:
        verified({"type": "standard_webhooks", "secret": "${secrets.NAME}"}, headers, CONTENT, secret, NOW)

    assert not secret or secret not in refused.value.detail


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0IQ==", "whsec_c2VjcmV0IQ", "c2VjcmV0IQ==", "c2VjcmV0IQ"])
def test_a_key_may_be_without_its_beginning_and_its_end(secret: str) -> None:
    assert standard_key(secret) == b"secret!"


@pytest.mark.parametrize("kind", ["github", "stripe"])
def test_hexadecimal_digits_may_be_in_either_case(kind: str) -> None:
    sign, identifier = SIGNED[kind]
    signature = mac(b"%d.%b" % (NOW, CONTENT) if kind == "stripe" else CONTENT).hex()

    for other in (signature.upper(), signature[:32].upper() + signature[32:]):
        headers = {name: value.replace(signature, other) for name, value in sign(CONTENT).items()}
        assert headers != sign(CONTENT)
        assert check(kind, headers) == identifier


@each_kind
def test_what_is_not_signed_is_refused(kind: str) -> None:
    headers = SIGNED[kind][0](CONTENT)
    signing = [name for name in headers if "signature" in name or "hmac" in name]

    for value in (None, *UNSIGNED):
        changed = {name: each for name, each in headers.items() if name not in signing}
        with pytest.raises(SignatureInvalid):
            check(kind, changed if value is None else changed | dict.fromkeys(signing, value))


@each_kind
def test_the_signature_of_another_kind_is_refused(kind: str) -> None:
    for other in SIGNED.keys() - {kind}:
        with pytest.raises(SignatureInvalid):
            check(kind, SIGNED[other][0](CONTENT))


@pytest.mark.parametrize("ago", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1])
def test_stripes_time_is_good_for_five_minutes(ago: int) -> None:
    assert check("stripe", stripe(CONTENT, NOW - TOLERANCE_SECONDS)) == "evt_1"

    with pytest.raises(SignatureInvalid) as refused:
        check("stripe", stripe(CONTENT, NOW - ago))
    assert "five minutes" in refused.value.detail


@pytest.mark.parametrize("ago", [-TOLERANCE_SECONDS - 60, TOLERANCE_SECONDS + 60])
def test_standard_webhooks_time_is_good_for_five_minutes(ago: int) -> None:
    with pytest.raises(SignatureInvalid) as refused:
        check("standard_webhooks", standard_webhooks(CONTENT, ago))

    assert "five minutes" in refused.value.detail


def test_the_time_that_was_signed_is_the_one_that_counts() -> None:
    old = stripe(CONTENT, NOW - 3600)["stripe-signature"]

    with pytest.raises(SignatureInvalid):
        check("stripe", {"stripe-signature": old.replace(f"t={NOW - 3600:.0f}", f"t={NOW:.0f}")})


def test_one_of_several_signatures_is_enough() -> None:
    assert check("stripe", stripe(CONTENT, NOW, f"v1={'0' * 64}")) == "evt_1"


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"id": 1}', b""])
def test_an_event_without_an_id_has_none(content: bytes) -> None:
    assert check("stripe", stripe(content), content) is None


def test_the_clock_of_the_tests_is_not_the_machines() -> None:
    assert abs(time.time() - NOW) > TOLERANCE_SECONDS
