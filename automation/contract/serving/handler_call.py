"""Calls an operation's handler with clean arguments, and sends what it returns."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from starlette.types import Scope, Send

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.responses import BrokenResponse, report
from automation.contract.serving.binding import Binding
from automation.contract.serving.encoding import Encoding
from automation.contract.serving.preconditions import is_current, strong_tags
from automation.contract.serving.reply import Reply
from automation.contract.serving.request_context import accept, arguments, principal
from automation.domain.errors import InternalError, PreconditionFailed

IF_MATCH = "if_match"
IF_NONE_MATCH = "if_none_match"
NOT_MODIFIED = 304
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class HandlerCall:
    """One operation's handler with everything that answering needs, found at start."""

    def __init__(self, operation: Operation, binding: Binding, provided: Mapping[type, object]) -> None:
        self._operation_id = operation.operation_id
        self._function = binding.function
        self._fixed = {name: provided[kind] for name, kind in binding.provided.items()}
        self._principals = binding.principals
        self._accepts = binding.accepts
        self._arguments = binding.arguments
        self._status = min((status for status in operation.responses if 200 <= status < 300), default=None)  # noqa: PLR2004
        self._responses = {status: Encoding(operation, status) for status in operation.responses}
        self._conditional = NOT_MODIFIED in operation.responses and operation.method == "GET"

    async def __call__(self, scope: Scope, send: Send) -> None:
        """Call the handler and send what it returns."""
        given = arguments(scope)
        taken = {name: given[name] for name in self._arguments}
        for name in self._principals:
            taken[name] = principal(scope)
        for name in self._accepts:
            taken[name] = accept(scope)
        result = await self._function(**self._fixed, **taken)
        if isinstance(result, Reply):
            value, status, headers = result.value, result.status or self._status, result.headers
        else:
            value, status, headers = result, self._status, NO_HEADERS
        if self._conditional and headers:
            _require_expected(headers, given)
            if _has_it(headers, given):
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


def _require_expected(headers: Mapping[str, str], given: Mapping[str, Any]) -> None:
    asked = given.get(IF_MATCH)
    tags = None if asked is None else strong_tags(asked)
    if tags is not None and _etag(headers) not in tags:
        raise PreconditionFailed


def _has_it(headers: Mapping[str, str], given: Mapping[str, Any]) -> bool:
    etag = _etag(headers)
    asked = given.get(IF_NONE_MATCH)
    return etag is not None and asked is not None and is_current(etag, asked)


def _etag(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "etag"), None)
