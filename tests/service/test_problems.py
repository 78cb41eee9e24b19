"""Problem documents say what the contract documents, and nothing of what went wrong inside."""

import asyncio
import json
import time
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from automation.contract.compiled.contract import Contract
from automation.contract.serving.connexion_adapter import CONTEXT, ENDPOINT, ROUTING_CONTEXT, ConnexionRequest
from automation.contract.serving.endpoint import endpoint
from automation.contract.serving.request_context import BEGAN
from automation.domain.errors import (
    ApiKeyMissing,
    AutomationError,
    ExecutionNotFound,
    InvalidParameter,
    MethodNotAllowed,
    PathNotFound,
    RateLimited,
    TooManyChecks,
    Unavailable,
    Violation,
)
from automation.service.problems import NOTHING_HERE_SECONDS, Problem, Problems, describe
from tests.contract.tiny import contract, operation

SECRET = "password=hunter2 at /srv/service/secret.py"


async def unreached(_scope: Any) -> Any:
    raise AssertionError


def scope_of(tiny: Contract | None = None) -> dict[str, Any]:
    """Return a request's scope: routed to the one operation of a contract, or to none."""
    extensions: dict[str, Any] = {"request_id": "one"}
    if tiny is not None:
        routed = endpoint(tiny, tiny.operations["getThing"], unreached)
        extensions |= {ROUTING_CONTEXT: {ENDPOINT: routed}, CONTEXT: {}}
    return {"path": "/thing", "extensions": extensions}


@pytest.fixture
def tiny() -> Contract:
    return Contract(contract({"/thing": {"get": operation()}}))


def document(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(problem.body)
    return found


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), HTTPException(418, SECRET)])
def test_nothing_of_an_unforeseen_error_is_told(tiny: Contract, error: Exception) -> None:
    for scope in (scope_of(), scope_of(tiny)):
        problem = Problems(tiny).respond(scope, error)

        assert (problem.status, document(problem)["code"]) == (500, "internal_error")
        assert "hunter2" not in problem.body.decode() + str(dict(problem.headers))
        assert "secret.py" not in problem.body.decode()


@pytest.mark.parametrize("error", [ExecutionNotFound(), TooManyChecks(), Unavailable("It is secret.")])
def test_a_status_that_the_operation_does_not_document_is_an_internal_error(
    tiny: Contract, error: AutomationError
) -> None:
    with capture_logs() as logs:
        problem = Problems(tiny).respond(scope_of(tiny), error)

    assert (problem.status, document(problem)["code"]) == (500, "internal_error")
    assert error.detail not in problem.body.decode()
    assert [(line["operation"], line["status"], line["code"]) for line in logs] == [
        ("getThing", error.status, error.code)
    ]


def test_a_documented_status_is_told_with_everything_that_belongs_to_it(tiny: Contract) -> None:
    error = InvalidParameter(
        violations=[Violation("must be a number", parameter="limit"), Violation("is long", pointer="/a")]
    )

    problem = Problems(tiny).respond(scope_of(tiny), error)

    assert document(problem) == {
        "type": "/problems/invalid_parameter",
        "title": error.title,
        "status": 400,
        "detail": error.detail,
        "instance": "urn:request:one",
        "code": "invalid_parameter",
        "request_id": "one",
        "errors": [
            {"message": "must be a number", "parameter": "limit"},
            {"message": "is long", "pointer": "/a"},
        ],
    }
    assert problem.headers["Cache-Control"] == "no-store"


def test_what_no_route_was_found_for_is_told_as_what_it_is(tiny: Contract) -> None:
    problems = Problems(tiny)

    unknown = problems.respond(scope_of(), HTTPException(404, SECRET))
    other = problems.respond(scope_of(), HTTPException(405, SECRET, {"Allow": "PUT"}))
    untold = problems.respond(scope_of(), HTTPException(405, SECRET))

    assert (unknown.status, document(unknown)["code"]) == (404, PathNotFound.code)
    assert (other.status, document(other)["code"]) == (405, MethodNotAllowed.code)
    assert (other.headers["Allow"], untold.headers["Allow"]) == ("PUT", "GET, HEAD")


@pytest.mark.parametrize(
    ("error", "header"),
    [(ApiKeyMissing(), "WWW-Authenticate"), (TooManyChecks(), "Retry-After"), (Unavailable(), "Retry-After")],
)
def test_a_client_is_told_what_to_do_next(tiny: Contract, error: AutomationError, header: str) -> None:
    problem = Problems(tiny).respond(scope_of(), error)

    assert problem.status == error.status
    assert problem.headers[header]
    assert header not in Problems(tiny).respond(scope_of(), ExecutionNotFound()).headers


def test_a_limit_that_is_reached_is_named_for_programs() -> None:
    assert describe(RateLimited(), "one")["limit"] == RateLimited.limit
    assert "limit" not in describe(Unavailable(), "one")


def test_long_texts_are_cut(tiny: Contract) -> None:
    error = InvalidParameter(violations=[Violation("x" * 1000, parameter="name")])

    problem = Problems(tiny).respond(scope_of(tiny), error)

    assert document(problem)["errors"] == [{"message": "x" * 300, "parameter": "name"}]


async def test_that_nothing_is_at_an_address_takes_as_long_whether_or_not_a_hook_was_looked_for(tiny: Contract) -> None:
    problems = Problems(tiny)
    for looked_for in (0.0, NOTHING_HERE_SECONDS / 2):
        scope = scope_of()
        came = scope["extensions"][BEGAN] = time.perf_counter()
        await asyncio.sleep(looked_for)

        await problems.handle(ConnexionRequest({**scope, "type": "http"}), PathNotFound())

        assert time.perf_counter() - came >= NOTHING_HERE_SECONDS


async def test_what_else_is_not_found_is_answered_at_once(tiny: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_pause(_seconds: float) -> None:
        raise AssertionError

    monkeypatch.setattr(asyncio, "sleep", no_pause)
    scope = scope_of()
    scope["extensions"][BEGAN] = time.perf_counter()

    answer = await Problems(tiny).handle(ConnexionRequest({**scope, "type": "http"}), ExecutionNotFound())

    assert answer.status_code == ExecutionNotFound.status
