"""Checks a webhook's config, and makes the request from it."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import httpx
import orjson

from automation.contract.document.references import pointer
from automation.engine.actions.action import ActionCall, ActionFailed, ConfigFault

DEFAULT_RESPONSE_BYTES = 64 * 1024
MAX_RESPONSE_BYTES = 256 * 1024
MAX_REQUEST_BYTES = 1024 * 1024

EXAMPLE: Mapping[str, Any] = {
    "method": "POST",
    "url": "https://warehouse.example/orders/${trigger.order_id}",
    "headers": {"authorization": "Bearer sesame"},
    "json": {"total": "${trigger.total}"},
}
CONFIG_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "method": {
            "description": "The request's method; POST when absent.",
            "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        },
        "url": {"description": "An absolute http or https URL.", "type": "string", "minLength": 1, "maxLength": 2048},
        "headers": {
            "description": "Further headers; not those that the transport owns or that say what a call belongs to.",
            "type": "object",
            "maxProperties": 50,
            "propertyNames": {"maxLength": 100},
            "additionalProperties": {"type": "string", "maxLength": 8192},
        },
        "json": {"description": "The request's body, sent as JSON: any value."},
        "text": {"description": "The request's body, sent as UTF-8 text.", "type": "string", "maxLength": 262144},
        "expected_statuses": {
            "description": "The statuses that mean success; 200 to 299 when absent.",
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "uniqueItems": True,
            "items": {"type": "integer", "minimum": 200, "maximum": 599},
        },
        "max_response_bytes": {
            "description": "How much of the decoded response body is kept; the rest is cut off.",
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_RESPONSE_BYTES,
        },
    },
}

_WITHOUT_BODY = ("GET", "HEAD")
_MAX_PORT = 65535

# Hop-by-hop headers (RFC 9110 section 7.6.1) and those that say what is sent where; one of them given by a tenant could
# make two servers on the way disagree on where a request ends.
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "idempotency-key",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-action-index",
        "x-attempt",
        "x-execution-id",
        "x-rule-id",
    }
)

_is_header_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_is_header_value = re.compile(r"([\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?)?").fullmatch


def check(config: Mapping[str, Any]) -> Iterator[ConfigFault]:
    """Yield what the schema can't say of a config; any value may be a template in place of what it stands for."""
    yield from _body_faults(config)
    sentence = _url_problem(config["url"])
    if sentence:
        yield ConfigFault("/url", sentence)
    headers = config.get("headers", {})
    if isinstance(headers, Mapping):
        yield from _header_faults(headers)


def request(client: httpx.AsyncClient, config: Mapping[str, Any], call: ActionCall) -> httpx.Request:
    """Return the request that a valid config asks for.

    Raises:
        ActionFailed: Its body is larger than 1 MiB.
    """
    content, media_type = _body(config)
    if len(content) > MAX_REQUEST_BYTES:
        sentence = f"the request's body is larger than {MAX_REQUEST_BYTES} bytes"
        raise ActionFailed(sentence, definite=True, retryable=False)
    headers = httpx.Headers(dict(config.get("headers", {})))
    if media_type is not None:
        headers.setdefault("content-type", media_type)
    headers.update(_origin(call))
    return client.build_request(config.get("method", "POST"), config["url"], headers=headers, content=content)


def _origin(call: ActionCall) -> dict[str, str]:
    """Return the headers that say what a call belongs to.

    All calls of an execution are of one trace (W3C Trace Context), whose id is the execution's; each try is a span.
    """
    span = sha256(f"{call.idempotency_key} {call.attempt} {call.action_index}".encode()).hexdigest()[:16]
    return {
        "idempotency-key": call.idempotency_key,
        "traceparent": f"00-{call.execution_id.hex}-{span}-01",
        "x-action-index": str(call.action_index),
        "x-attempt": str(call.attempt),
        "x-execution-id": str(call.execution_id),
        "x-rule-id": str(call.rule_id),
    }


def host(url: str) -> str:
    """Return the part of a valid URL that errors and logs may show: neither user information, path nor query."""
    return httpx.URL(url).netloc.decode("ascii")


def _body(config: Mapping[str, Any]) -> tuple[bytes, str | None]:
    if "json" in config:
        return orjson.dumps(config["json"]), "application/json"
    if "text" in config:
        return config["text"].encode(), "text/plain; charset=utf-8"
    return b"", None


def _body_faults(config: Mapping[str, Any]) -> Iterator[ConfigFault]:
    bodies = config.keys() & {"json", "text"}
    if len(bodies) > 1:
        yield ConfigFault("", "only one of json and text may be given")
    if bodies and config.get("method") in _WITHOUT_BODY:
        yield ConfigFault("/method", "a GET or HEAD request can't have a body")


def _url_problem(text: str) -> str | None:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return "the value is not a valid URL"
    if url.scheme not in {"http", "https"} or not url.host:
        return "the value is not an absolute http or https URL"
    if url.userinfo:
        return "the URL must not hold a user or password; use the Authorization header"
    if url.port is not None and not 0 < url.port <= _MAX_PORT:
        return "the URL's port is not between 1 and 65535"
    return None


def _header_faults(headers: Mapping[str, Any]) -> Iterator[ConfigFault]:
    seen: set[str] = set()
    for name, value in headers.items():
        if not _is_header_name(name):
            yield ConfigFault("/headers", "a header's name has a character that is not allowed")
        elif name.lower() in _OURS:
            yield ConfigFault("/headers", f"the header {name} can't be set")
        elif name.lower() in seen:
            yield ConfigFault("/headers", f"the header {name} is given twice")
        elif not _is_header_value(value):
            yield ConfigFault(
                pointer("headers", name),
                "a header's value may only hold visible ASCII characters, with spaces between them",
            )
        seen.add(name.lower())
