"""The outermost layer: gives every request its id, its one log line, and an answer whatever happens inside."""

import re
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from automation.contract.compiled.problem_rules import MEDIA_TYPE
from automation.contract.serving.request_context import (
    REQUEST_ID,
    endpoint_if_routed,
    principal_if_known,
    problem_if_any,
    refused_key_if_any,
)
from automation.service import logs
from automation.service.http.client_addresses import ClientAddresses
from automation.service.problems import Problem, Problems

_MADE = frozenset({201, 202})
"""Statuses whose ``Location`` leads to what the request made."""
_PROBLEMS = range(400, 600)
"""Statuses of problems."""

# The executions and rules that a path is about.
_subjects = re.compile(r"/(execution|rule)s/([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?![^/])").findall
_sane = re.compile(rb"[\x20-\x7e]{1,128}").fullmatch

_log = structlog.get_logger("automation.request")


class RequestLog:
    """ASGI middleware around everything else.

    Puts ``extensions`` with the ``request_id`` into the scope, ``X-Request-Id`` on the response and one line into the
    log. An exception that nothing inside answered becomes a problem response here.
    """

    def __init__(self, app: ASGIApp, problems: Problems, addresses: ClientAddresses) -> None:
        self._app = app
        self._problems = problems
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        scope["extensions"] = {**scope.get("extensions", {}), REQUEST_ID: request_id}
        logs.bind(request_id=request_id)
        response = _Response(send, request_id)
        began = perf_counter()
        try:
            await self._app(scope, receive, response)
        except Exception as error:
            problem = self._problems.respond(scope, error)
            if response.status is not None:
                raise
            await send_problem(response, problem)
        finally:
            _write_line(scope, response, self._addresses.of(scope), perf_counter() - began)


class _Response:
    """A ``send`` that adds the request's id and remembers the status, and where to find what was made."""

    __slots__ = ("_header", "_send", "location", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._header = (b"x-request-id", request_id.encode("ascii"))
        self.status: int | None = None
        self.location = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status in _MADE:
                found = [value for name, value in message.get("headers", ()) if name == b"location"]
                self.location = found[0].decode("latin-1") if found else ""
            message["headers"] = [*message.get("headers", ()), self._header]
        await self._send(message)


async def send_problem(send: Send, problem: Problem) -> None:
    """Send a problem response."""
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(problem.body)).encode()),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.body})


def _request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the client's own request id where it sent one sane id, else a new UUID."""
    given = [value.strip(b" \t") for name, value in headers if name == b"x-request-id"]
    if len(given) == 1 and _sane(given[0]):
        return given[0].decode("ascii")
    return str(uuid4())


def _write_line(scope: Scope, response: _Response, client: str | None, seconds: float) -> None:
    routed, status = endpoint_if_routed(scope), response.status
    values: dict[str, Any] = {
        "method": scope["method"],
        "operation": None if routed is None else routed.operation.operation_id,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "client": client,
    }
    if (status is None or status in _PROBLEMS) and (code := problem_if_any(scope)) is not None:
        values["code"] = code
    if routed is not None:
        for kind, identifier in _subjects(scope["path"] + response.location):
            values[f"{kind}_id"] = identifier.lower()
    principal = principal_if_known(scope)
    if principal is not None:
        values |= {"tenant": principal.tenant, "user": principal.user, "key": principal.key_prefix}
    elif (prefix := refused_key_if_any(scope)) is not None:
        values["key"] = prefix
    if status is None or status >= 500:  # noqa: PLR2004 - the first of the server's own statuses
        _log.error("request", **values)
    else:
        _log.info("request", **values)
