"""Reads out of a request's scope what the layers found out about it: its id, endpoint, principal and arguments.

Nothing else reads them there, so that where they lie is known in one place. Whoever finds one out leaves it under the
name that stands here, or in ``connexion_adapter`` for what Connexion's layers leave.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from automation.contract.serving.accept import Accept
from automation.contract.serving.connection import Connection
from automation.contract.serving.connexion_adapter import CONTEXT, ENDPOINT, ROUTING_CONTEXT
from automation.contract.serving.endpoint import Endpoint
from automation.contract.serving.request_head import RequestHead
from automation.domain.allowance import Allowance
from automation.domain.hooks import Hook
from automation.domain.origin import Origin
from automation.domain.principal import Principal

ARGUMENTS = "automation.arguments"
"""Where request validation leaves the arguments, in the scope."""
BEGAN = "began"
"""Where the outermost layer leaves when the request came, a reading of ``time.perf_counter()``, in the extensions."""
REQUEST_ID = "request_id"
"""Where the outermost layer leaves the request's id, in the scope's extensions."""
_PROBLEM = "problem"
_REFUSED_KEY = "refused_key"
_HOOK = "hook"
_CONNECTION = "connection"


def request_id(scope: Mapping[str, Any]) -> str:
    """Return the id of a request."""
    found: str = scope["extensions"][REQUEST_ID]
    return found


def began(scope: Mapping[str, Any]) -> float:
    """Return when a request came, a reading of ``time.perf_counter()``."""
    found: float = scope["extensions"][BEGAN]
    return found


def endpoint(scope: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that a request was routed to."""
    found: Endpoint = scope["extensions"][ROUTING_CONTEXT][ENDPOINT]
    return found


def endpoint_if_routed(scope: Mapping[str, Any]) -> Endpoint | None:
    """Return the endpoint that a request was routed to, or None where it led to none, or was not routed yet."""
    extensions = scope["extensions"]
    return extensions[ROUTING_CONTEXT][ENDPOINT] if ROUTING_CONTEXT in extensions else None


def principal(scope: Mapping[str, Any]) -> Principal:
    """Return the principal that security found."""
    found: Principal = scope["extensions"][CONTEXT]["token_info"]["principal"]
    return found


def origin(scope: Mapping[str, Any]) -> Origin:
    """Return who asks for what a request asks for, and by which request."""
    caller = principal(scope)
    return Origin(request_id=request_id(scope), user=caller.user, key_prefix=caller.key_prefix)


def principal_if_known(scope: Mapping[str, Any]) -> Principal | None:
    """Return the principal that security found, or None where it found none, or was not asked yet."""
    extensions = scope["extensions"]
    if CONTEXT not in extensions:
        return None
    found = extensions[CONTEXT]
    return found["token_info"]["principal"] if found else None


def note_hook(scope: Mapping[str, Any], found: Hook) -> None:
    """Leave the hook that a request's token stands for."""
    scope["extensions"][_HOOK] = found


def hook(scope: Mapping[str, Any]) -> Hook:
    """Return the hook that a request's token stands for."""
    found: Hook = scope["extensions"][_HOOK]
    return found


def hook_if_any(scope: Mapping[str, Any]) -> Hook | None:
    """Return the hook that a request's token stands for, or None where it has none, or was not asked for it yet."""
    found: Hook | None = scope["extensions"].get(_HOOK)
    return found


def tenant_if_known(scope: Mapping[str, Any]) -> UUID | None:
    """Return whose request it is, or None where security has not said so."""
    caller = principal_if_known(scope) or hook_if_any(scope)
    return None if caller is None else caller.tenant


def allowances(scope: Mapping[str, Any]) -> tuple[Allowance, ...]:
    """Return the limits that a request counts against, none where nobody knows whose it is."""
    caller = principal_if_known(scope) or hook_if_any(scope)
    return () if caller is None else caller.allowances


def note_connection(scope: Mapping[str, Any], found: Connection) -> None:
    """Leave the connection that a request came on."""
    scope["extensions"][_CONNECTION] = found


def connection(scope: Mapping[str, Any]) -> Connection:
    """Return the connection that a request came on, whose body was read."""
    found: Connection = scope["extensions"][_CONNECTION]
    return found


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


def head(scope: Mapping[str, Any]) -> RequestHead:
    """Return the head of a request."""
    headers: dict[str, str] = {}
    for raw_name, raw in scope["headers"]:
        name, text = raw_name.decode("latin-1"), raw.decode("utf-8", "replace").strip(" \t")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return RequestHead(request_id(scope), scope["method"], headers)


def accept(scope: Mapping[str, Any]) -> Accept:
    """Return what the client of a request would rather have."""
    return Accept(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
