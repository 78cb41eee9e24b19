"""The end of a request's way in: the handler is called with clean arguments, and what it returns becomes a response."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

import orjson

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.responses import BrokenResponse, is_json, report
from automation.contract.serving.binding import Binding
from automation.contract.serving.connexion_adapter import principal, routed_operation
from automation.contract.serving.preconditions import is_current
from automation.contract.serving.reply import Reply
from automation.domain.errors import InternalError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ARGUMENTS = "automation.contract.arguments"
"""Where request validation leaves the arguments in the scope."""

IF_NONE_MATCH = "if_none_match"
NOT_MODIFIED = 304
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Dispatch:
    """The innermost application: it calls the handler of the operation that the request was routed to."""

    def __init__(self, calls: Mapping[str, "Call"]) -> None:
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a websocket is closed, for the contract has none."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        await self._calls[routed_operation(scope)](scope, send)


class Call:
    """One operation's handler with everything that answering needs, found at start."""

    def __init__(self, operation: Operation, binding: Binding, provided: Mapping[type, object]) -> None:
        self._operation_id = operation.operation_id
        self._function = binding.function
        self._fixed = {name: provided[kind] for name, kind in binding.provided.items()}
        self._principals = binding.principals
        self._arguments = binding.arguments
        self._status = min((status for status in operation.responses if 200 <= status < 300), default=None)  # noqa: PLR2004
        self._responses = {status: Encoding(operation, status) for status in operation.responses}
        self._conditional = NOT_MODIFIED in operation.responses and operation.method == "GET"

    async def __call__(self, scope: Scope, send: Send) -> None:
        """Call the handler and send what it returns."""
        given = scope[ARGUMENTS]
        arguments = {name: given[name] for name in self._arguments}
        for name in self._principals:
            arguments[name] = principal(scope)
        result = await self._function(**self._fixed, **arguments)
        if isinstance(result, Reply):
            value, status, headers = result.value, result.status or self._status, result.headers
        else:
            value, status, headers = result, self._status, NO_HEADERS
        if self._conditional and headers and _has_it(headers, given):
            value, status = None, NOT_MODIFIED
        encoding = self._responses.get(status or 0)
        if encoding is None:
            raise self._broken(status, "responses")
        try:
            body = encoding.encode(value)
        except (TypeError, UnicodeEncodeError) as error:
            raise self._broken(status, "encoding") from error
        await send({"type": "http.response.start", "status": status, "headers": encoding.headers(headers, body)})
        await send({"type": "http.response.body", "body": body})

    def _broken(self, status: int | None, keyword: str) -> InternalError:
        report(self._operation_id, status or 0, BrokenResponse(keyword))
        return InternalError()


class Encoding:
    """How the values of one response become bytes, and the headers that go with them."""

    def __init__(self, operation: Operation, status: int) -> None:
        self._media_type = next(iter(operation.responses[status].get("content", {})), None)
        self._json = self._media_type is not None and is_json(self._media_type)
        self._fixed = [] if self._media_type is None else [(b"content-type", _content_type(self._media_type))]
        self._vary = operation.vary
        self._public = operation.public
        self._usual = [
            *self._fixed,
            *([(b"vary", operation.vary.encode())] if operation.vary else []),
            (b"cache-control", b"no-store" if operation.public else b"private, no-store"),
        ]

    def encode(self, value: Any) -> bytes:
        """Return a value's bytes.

        Raises:
            TypeError: It has no form in the response's media type.
        """
        if isinstance(value, bytes):
            return value
        if self._json:
            return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)
        if value is None and self._media_type is None:
            return b""
        if isinstance(value, str):
            return value.encode()
        raise TypeError(type(value).__name__)

    def headers(self, own: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
        """Return all headers of a response: the handler's own, and those that the contract has for its caches.

        A tenant's data never leaves for shared caches, whatever a handler says; with an ETag it may be kept by the
        client, and asked for again.
        """
        headers = self._own(own) if own else list(self._usual)
        if self._media_type is not None:
            headers.append((b"content-length", str(len(body)).encode()))
        return headers

    def _own(self, own: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        headers = {name.lower(): value for name, value in own.items()}
        if self._public:
            headers.setdefault("cache-control", "no-store")
        else:
            headers["cache-control"] = "private, no-cache" if "etag" in headers else "private, no-store"
            headers["vary"] = ", ".join(filter(None, (self._vary, headers.get("vary"))))
        fixed = self._fixed if "content-type" not in headers else []
        return [*fixed, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())]


def _has_it(headers: Mapping[str, str], arguments: Mapping[str, Any]) -> bool:
    etag = next((value for name, value in headers.items() if name.lower() == "etag"), None)
    asked = arguments.get(IF_NONE_MATCH)
    return etag is not None and asked is not None and is_current(etag, asked)


def _content_type(media_type: str) -> bytes:
    return f"{media_type}; charset=utf-8".encode() if media_type.startswith("text/") else media_type.encode()


def _plain(value: object) -> object:
    """Return what orjson knows in the place of what it doesn't: read-only mappings and sets of values."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(type(value).__name__)
