"""Verification of what is sent to hooks: HMAC-SHA256 with a secret, in the forms that those who send webhooks use.

What was signed with a time is refused more than five minutes before and after it. GitHub and Shopify sign none: there
the id of a delivery is all that keeps one from being sent again.
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from automation.domain.errors import SignatureInvalid

TOLERANCE_SECONDS = 300

STANDARD_WEBHOOKS = "standard_webhooks"
_PREFIX = "whsec_"

_OLD = "The delivery was signed more than five minutes ago, or will be."

_NO_KEY = (
    "The secret that the rule names is no key of Standard Webhooks, which is base64: no delivery can be verified "
    "until it has another value."
)

_hexadecimal = re.compile(r"[0-9A-Fa-f]{64}").fullmatch
_seconds = re.compile(r"[0-9]{1,12}").fullmatch

Check = Callable[[Mapping[str, str], bytes, str, float], str | None]
"""Given headers by their names in lower case, a body, the secret and the time: returns the delivery's id, or raises."""


def verified(
    config: Mapping[str, Any], headers: Mapping[str, str], content: bytes, secret: str, now: float
) -> str | None:
    """Return the id of a delivery that was signed as the trigger's settings want it, None where it has none.

    Args:
        config: The settings' ``verification``.
        headers: The request's, by their names in lower case.
        content: The body as it came.
        secret: What it must have been signed with.
        now: The time, in seconds since 1970.

    Raises:
        SignatureInvalid: It was not, or not within five minutes from now.
    """
    return _CHECKS[config["type"]](headers, content, secret, now)


def standard_key(secret: str) -> bytes | None:
    """Return the key of Standard Webhooks that a secret is: base64, after ``whsec_`` or not; None where it is none."""
    text = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None
    return key or None


def _github(headers: Mapping[str, str], content: bytes, secret: str, _now: float) -> str | None:
    algorithm, _, signature = headers.get("x-hub-signature-256", "").partition("=")
    if algorithm != "sha256" or not _is_hexadecimal(signature, _mac(secret, content)):
        raise SignatureInvalid
    return headers.get("x-github-delivery")


def _shopify(headers: Mapping[str, str], content: bytes, secret: str, _now: float) -> str | None:
    expected = base64.b64encode(_mac(secret, content))
    if not hmac.compare_digest(expected, headers.get("x-shopify-hmac-sha256", "").encode()):
        raise SignatureInvalid
    return headers.get("x-shopify-webhook-id")


def _stripe(headers: Mapping[str, str], content: bytes, secret: str, now: float) -> str | None:
    parts = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or _seconds(times[0]) is None:
        raise SignatureInvalid
    expected = _mac(secret, times[0].encode() + b"." + content)
    if not any(_is_hexadecimal(signature, expected) for signature in signatures):
        raise SignatureInvalid
    if abs(now - int(times[0])) > TOLERANCE_SECONDS:
        raise SignatureInvalid(_OLD)
    return _event_id(content)


def _event_id(content: bytes) -> str | None:
    try:
        event = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    found = event.get("id") if isinstance(event, dict) else None
    return found if isinstance(found, str) else None


def _standard_webhooks(headers: Mapping[str, str], content: bytes, secret: str, _now: float) -> str | None:
    key = standard_key(secret)
    if key is None:
        raise SignatureInvalid(_NO_KEY)
    # What is signed is the id, the time and the body with dots between them: with a dot in its id, one delivery could
    # be read as another, of another time.
    if "." in headers.get("webhook-id", ""):
        raise SignatureInvalid
    try:
        Webhook(key).verify(content, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        raise SignatureInvalid(_OLD if "timestamp too" in str(error) else None) from None
    except Exception:  # noqa: BLE001 - whatever it raises at what is no UTF-8 or no list of signatures
        raise SignatureInvalid from None
    return headers["webhook-id"]


def _mac(secret: str, content: bytes) -> bytes:
    return hmac.digest(secret.encode(), content, "sha256")


def _is_hexadecimal(signature: str, expected: bytes) -> bool:
    return _hexadecimal(signature) is not None and hmac.compare_digest(bytes.fromhex(signature), expected)


_CHECKS: Mapping[str, Check] = {
    "github": _github,
    "shopify": _shopify,
    STANDARD_WEBHOOKS: _standard_webhooks,
    "stripe": _stripe,
}
