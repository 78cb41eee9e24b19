"""The outermost layer: gives every request its id, its one log line, and an answer whatever happens inside."""

import re
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from automation.contract.compiled.problem_rules import MEDIA_TYPE
from automation.contract.serving.request_context import (
    BEGAN,
    REQUEST_ID,
    allowances,
    endpoint_if_routed,
    hook_if_any,
    principal_if_known,
    problem_if_any,
    refused_key_if_any,
)
from automation.domain.allowance import rate_limit_fields
from automation.domain.errors import TooManyRefusedKeys
from automation.domain.identifiers import random_uuid
from automation.service import logs
from automation.service.http.client_addresses import ClientAddresses
from automation.service.problems import Problem, Problems

_MADE = frozenset({201, 202})
"""Statuses whose ``Location`` leads to what the request made."""
_PROBLEMS = range(400, 600)
"""Statuses of problems."""
_REFUSALS = range(400, 500)
"""Statuses of problems that are the client's."""

# The executions and rules that a path is about.
_subjects = re.compile(r"/(execution|rule)s/([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?![^/])").findall
_sane = re.compile(rb"[\x20-\x7e]{1,128}").fullmatch

_NAME = "automation.request"
_log = structlog.get_logger(_NAME)


class RequestLog:
    """ASGI middleware around everything else.

    Puts ``extensions`` with the ``request_id`` into the scope, ``X-Request-Id`` on the response and one line into the
    log. An exception that nothing inside answered becomes a problem response here.

    Args:
        app: Everything else.
        problems: Makes the problem response.
        addresses: Tells where requests come from.
        on_refusal: Called with each request that is answered with a problem of the client's, and its status.
    """

    def __init__(
        self,
        app: ASGIApp,
        problems: Problems,
        addresses: ClientAddresses,
        on_refusal: Callable[[Scope, int], None] = lambda _scope, _status: None,
    ) -> None:
        self._app = app
        self._problems = problems
        self._addresses = addresses
        self._on_refusal = on_refusal
        self._say = logs.frequent(_NAME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        began = perf_counter()
        scope["extensions"] = {**scope.get("extensions", {}), REQUEST_ID: request_id, BEGAN: began}
        logs.bind(request_id=request_id)
        response = _Response(send, scope, request_id)
        try:
            await self._app(scope, receive, response)
        except Exception as error:
            problem = self._problems.respond(scope, error)
            if response.status is not None:
                raise
            await send_problem(response, problem)
        finally:
            if response.status is not None and response.status in _REFUSALS:
                self._on_refusal(scope, response.status)
            self._write_line(scope, response, request_id, perf_counter() - began)

    def _write_line(self, scope: Scope, response: "_Response", request_id: str, seconds: float) -> None:
        routed, status = endpoint_if_routed(scope), response.status
        values: dict[str, Any] = {
            "method": scope["method"],
            "operation": None if routed is None else routed.operation.operation_id,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "client": self._addresses.of(scope),
        }
        code = problem_if_any(scope) if status is None or status in _PROBLEMS else None
        if code is not None:
            values["code"] = code
        if routed is not None:
            for kind, identifier in _subjects(scope["path"] + response.location):
                values[f"{kind}_id"] = identifier.lower()
        if (principal := principal_if_known(scope)) is not None:
            values |= {"tenant": principal.tenant, "user": principal.user, "key": principal.key_prefix}
        else:
            values |= _caller(scope)
        if code == TooManyRefusedKeys.code:
            _log.debug("request", **values)  # a burst of them has a line of its own, with their number
        elif status is None or status >= 500:  # noqa: PLR2004 - the first of the server's own statuses
            _log.error("request", **values)
        else:
            self._say("request", request_id, values)


class _Response:
    """A ``send`` that adds the request's id and what is left of its limits; it remembers the status, and what was made.

    Whoever waits for what is left need not ask for it: it is on every answer to a key that was accepted.
    """

    __slots__ = ("_header", "_scope", "_send", "location", "status")

    def __init__(self, send: Send, scope: Scope, request_id: str) -> None:
        self._send = send
        self._scope = scope
        self._header = (b"x-request-id", request_id.encode("ascii"))
        self.status: int | None = None
        self.location = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status in _MADE:
                found = [value for name, value in message.get("headers", ()) if name == b"location"]
                self.location = found[0].decode("latin-1") if found else ""
            message["headers"] = headers = [*message.get("headers", ()), self._header]
            limits = allowances(self._scope)
            if limits:
                headers += rate_limit_fields(limits, monotonic())
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
    return random_uuid()


def _caller(scope: Scope) -> dict[str, Any]:
    """Return what is known of a sender who is no principal: never a key or a token."""
    if (hook := hook_if_any(scope)) is not None:
        return {"tenant": hook.tenant, "rule_id": hook.rule_id}
    prefix = refused_key_if_any(scope)
    return {} if prefix is None else {"key": prefix}
