"""Errors as clients see them: problem documents (RFC 9457) in the service's own fixed words."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from starlette.exceptions import HTTPException

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.problem_rules import MEDIA_TYPE
from automation.contract.serving.connexion_adapter import ConnexionRequest, ConnexionResponse
from automation.contract.serving.request_context import (
    began,
    endpoint_if_routed,
    note_problem,
    problem_if_any,
    request_id,
)
from automation.domain.errors import (
    AutomationError,
    IdempotencyInFlight,
    InternalError,
    MethodNotAllowed,
    OutcomeUnknown,
    PathNotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Violation,
)
from automation.domain.hooks import without_tokens

PATH = "/problems/"
NOTHING_HERE_SECONDS = 0.01
"""How long it takes to say that nothing is at an address, whether or not a hook was looked for there."""

_DETAIL_LIMIT = 300
_UNRESERVED_IN_A_URN = "-._~!$&'()*+,;=:@/"

_log = structlog.get_logger("automation.problems")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem response, ready to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Problems:
    """Turns whatever was raised into the problem response that the contract documents for it."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    async def handle(self, request: ConnexionRequest, error: Exception) -> ConnexionResponse:
        """Answer for Connexion's exception middleware."""
        problem = self.respond(request.scope, error)
        if problem.status == PathNotFound.status and problem_if_any(request.scope) == PathNotFound.code:
            await asyncio.sleep(began(request.scope) + NOTHING_HERE_SECONDS - time.perf_counter())
        return ConnexionResponse(
            status_code=problem.status,
            content_type=MEDIA_TYPE,
            body=problem.body,
            headers=dict(problem.headers),
        )

    def respond(self, scope: Mapping[str, Any], error: Exception) -> Problem:
        """Return the response to an error; an unforeseen one is logged, and answered as an internal error.

        An error whose status the routed operation does not document is unforeseen too.
        """
        known = self._known(scope, error)
        identifier = request_id(scope)
        prefix = self._contract.base_path
        document = describe(known, identifier, prefix)
        routed = endpoint_if_routed(scope)
        operation = None if routed is None else routed.operation
        if not self._contract.problems.accepts(operation, known.status, document):
            name = None if operation is None else operation.operation_id
            _log.error("undocumented problem", operation=name, status=known.status, code=known.code)
            known = InternalError()
            document = describe(known, identifier, prefix)
        note_problem(scope, known.code)
        return Problem(known.status, headers(known), orjson.dumps(document))

    def _known(self, scope: Mapping[str, Any], error: Exception) -> AutomationError:
        if isinstance(error, AutomationError):
            return error
        if isinstance(error, HTTPException) and error.status_code == PathNotFound.status:
            return PathNotFound()
        if isinstance(error, HTTPException) and error.status_code == MethodNotAllowed.status:
            return MethodNotAllowed(headers={"Allow": (error.headers or {}).get("Allow", "GET, HEAD")})
        _log.error("unforeseen error", path=without_tokens(scope["path"]), exc_info=error)
        return InternalError()


def describe(error: AutomationError, request_id: str, prefix: str = "") -> dict[str, Any]:
    """Return the problem document of an error (contract component ``Problem``).

    Args:
        error: What went wrong.
        request_id: The id of the request that it is the answer to.
        prefix: What stands before every path: empty, or ``/prefix``.
    """
    document: dict[str, Any] = {
        "type": f"{prefix}{PATH}{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail[:_DETAIL_LIMIT],
        "instance": f"urn:request:{quote(request_id, safe=_UNRESERVED_IN_A_URN)}",
        "code": error.code,
        "request_id": request_id,
    }
    if error.limit is not None:
        document["limit"] = error.limit
    if error.violations:
        document["errors"] = [_describe_violation(violation) for violation in error.violations]
    return document


def headers(error: AutomationError) -> dict[str, str]:
    """Return the headers that go with a problem: it is never kept by a cache."""
    result = {"Cache-Control": "no-store", **error.headers}
    if isinstance(error, Unauthenticated):
        result.setdefault("WWW-Authenticate", 'ApiKey realm="automation-executions"')
    if isinstance(error, IdempotencyInFlight | OutcomeUnknown | TooManyRequests | Unavailable):
        result.setdefault("Retry-After", "1")
    return result


def _describe_violation(violation: Violation) -> dict[str, str]:
    document = {"message": violation.message[:_DETAIL_LIMIT]}
    if violation.parameter is not None:
        document["parameter"] = violation.parameter
    if violation.pointer is not None:
        document["pointer"] = violation.pointer
    return document
