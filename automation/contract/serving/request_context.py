"""Reads out of a request's scope what the layers found out about it: its id, endpoint, principal and arguments.

Nothing else reads them there, so that where they lie is known in one place. Whoever finds one out leaves it under the
name that stands here, or in ``connexion_adapter`` for what Connexion's layers leave.
"""

from collections.abc import Mapping
from typing import Any

from automation.contract.serving.accept import Accept
from automation.contract.serving.connexion_adapter import CONTEXT, ENDPOINT, ROUTING_CONTEXT
from automation.contract.serving.endpoint import Endpoint
from automation.domain.principal import Principal

ARGUMENTS = "automation.arguments"
"""Where request validation leaves the arguments, in the scope."""
REQUEST_ID = "request_id"
"""Where the outermost layer leaves the request's id, in the scope's extensions."""
_PROBLEM = "problem"
_REFUSED_KEY = "refused_key"


def request_id(scope: Mapping[str, Any]) -> str:
    """Return the id of a request."""
    found: str = scope["extensions"][REQUEST_ID]
    return found


def endpoint(scope: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that a request was routed to."""
    found: Endpoint = scope["extensions"][ROUTING_CONTEXT][ENDPOINT]
    return found


def endpoint_if_routed(scope: Mapping[str, Any]) -> Endpoint | None:
    """Return the endpoint that a request was routed to, or None where it led to none, or was not routed yet."""
    routing = scope["extensions"].get(ROUTING_CONTEXT)
    return None if routing is None else routing[ENDPOINT]


def principal(scope: Mapping[str, Any]) -> Principal:
    """Return the principal that security found."""
    found: Principal = scope["extensions"][CONTEXT]["token_info"]["principal"]
    return found


def principal_if_known(scope: Mapping[str, Any]) -> Principal | None:
    """Return the principal that security found, or None where it found none, or was not asked yet."""
    found = scope["extensions"].get(CONTEXT)
    return found["token_info"]["principal"] if found else None


def note_problem(scope: Mapping[str, Any], code: str) -> None:
    """Leave which problem was the answer, by its code."""
    scope["extensions"][_PROBLEM] = code


def problem_if_any(scope: Mapping[str, Any]) -> str | None:
    """Return the code of the problem that was the answer, or None where it was none."""
    found: str | None = scope["extensions"].get(_PROBLEM)
    return found


def note_refused_key(scope: Mapping[str, Any], prefix: str | None) -> None:
    """Leave the prefix of a key that security refused, None where it has none."""
    scope["extensions"][_REFUSED_KEY] = prefix


def refused_key_if_any(scope: Mapping[str, Any]) -> str | None:
    """Return the prefix of the key that security refused, or None where it refused none."""
    found: str | None = scope["extensions"].get(_REFUSED_KEY)
    return found


def arguments(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the validated arguments of a request, by the names that its handler has for them."""
    found: Mapping[str, Any] = scope[ARGUMENTS]
    return found


def accept(scope: Mapping[str, Any]) -> Accept:
    """Return what the client of a request would rather have."""
    return Accept(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
