"""Calls an operation's handler with clean arguments, and makes a response of what it returns."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import Scope

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.responses import BrokenResponse, report
from automation.contract.serving.accept import Accept
from automation.contract.serving.binding import Binding, requested
from automation.contract.serving.connection import Connection
from automation.contract.serving.encoding import Encoding
from automation.contract.serving.endpoint import Response
from automation.contract.serving.preconditions import is_current, strong_tags
from automation.contract.serving.reply import NO_HEADERS, Reply
from automation.contract.serving.request_context import accept, arguments, connection, head, hook, origin, principal
from automation.contract.serving.request_head import RequestHead
from automation.domain.errors import InternalError, PreconditionFailed
from automation.domain.hooks import Hook
from automation.domain.origin import Origin
from automation.domain.principal import Principal

IF_MATCH = "if_match"
IF_NONE_MATCH = "if_none_match"
NOT_MODIFIED = 304
_FOUND: Mapping[type, Callable[[Scope], object]] = {
    Accept: accept,
    Connection: connection,
    Hook: hook,
    Origin: origin,
    Principal: principal,
    RequestHead: head,
}


class HandlerCall:
    """One operation's handler with everything that answering needs, found at start."""

    def __init__(self, operation: Operation, binding: Binding, provided: Mapping[type, object]) -> None:
        self._operation_id = operation.operation_id
        self._function = binding.function
        self._fixed = {name: provided[kind] for name, kind in binding.provided.items()}
        self._known = tuple((name, _FOUND[kind]) for name, kind in binding.known.items())
        self._arguments = binding.arguments
        self._status = min((status for status in operation.responses if 200 <= status < 300), default=None)  # noqa: PLR2004
        self._responses = {status: Encoding(operation, status) for status in operation.responses}
        conditions = requested(operation) if operation.method == "GET" and NOT_MODIFIED in operation.responses else ()
        self._may_expect, self._may_know = IF_MATCH in conditions, IF_NONE_MATCH in conditions

    async def __call__(self, scope: Scope) -> Response:
        """Call the handler, and return the response that is made of what it returns."""
        given = arguments(scope)
        taken = {name: given[name] for name in self._arguments}
        for name, found in self._known:
            taken[name] = found(scope)
        result = await self._function(**self._fixed, **taken)
        if isinstance(result, Reply):
            value, status, headers, etag = result
            status = status or self._status
        else:
            value, status, headers, etag = result, self._status, NO_HEADERS, None
        if etag is not None and self._is_known(etag, given):
            value, status = None, NOT_MODIFIED
        encoding = self._responses.get(status or 0)
        if encoding is None:
            raise self._broken(status, "responses")
        try:
            body = encoding.encode(value)
        except (TypeError, UnicodeEncodeError) as error:
            raise self._broken(status, "encoding") from error
        return encoding.status, encoding.headers(headers, etag, body), body

    def _is_known(self, etag: str, given: Mapping[str, Any]) -> bool:
        """Return whether the client has what is returned, once that is what it expects (RFC 9110, section 13.2.2)."""
        if self._may_expect and (expected := given[IF_MATCH]) is not None:
            tags = strong_tags(expected)
            if tags is not None and etag not in tags:
                raise PreconditionFailed
        return self._may_know and (known := given[IF_NONE_MATCH]) is not None and is_current(etag, known)

    def _broken(self, status: int | None, keyword: str) -> InternalError:
        report(self._operation_id, status or 0, BrokenResponse(keyword))
        return InternalError()
