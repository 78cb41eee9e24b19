"""One operation with everything that a request to it needs, built at start: what its route leads to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.compiled.bodies import BodyReader
from automation.contract.compiled.contract import Contract
from automation.contract.compiled.excerpts import Excerpts
from automation.contract.compiled.integers import integer_converter
from automation.contract.compiled.operations import Operation
from automation.contract.compiled.parameter_reader import ParameterReader
from automation.contract.compiled.raw_bodies import RawBodyReader
from automation.contract.compiled.responses import ResponseRules
from automation.contract.serving.lanes import Lane

Response = tuple[int, list[tuple[bytes, bytes]], bytes]
"""A whole response: its status, its headers with names in lower case, and its body."""
Answer = Callable[[Scope], Awaitable[Response]]
"""Returns the response to a request whose arguments are in its scope."""
Around = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]
"""Passes a valid request on to the application that it is given, or answers it by itself."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation in service: who may call it, how its requests are read, who answers them, and with what.

    Connexion is given it as the operation's function, its router leaves it in the scope of each request, and the layers
    take it from there. ``body`` is None for an operation without one, ``around`` where nothing stands between the
    validation of its requests and that of its responses. Of a ``lane`` few of a tenant are under way at a time.
    """

    operation: Operation
    parameters: ParameterReader
    body: BodyReader | RawBodyReader | None
    responses: ResponseRules
    call: Answer
    around: Around | None = None
    lane: Lane | None = None


def endpoint(
    contract: Contract, operation: Operation, call: Answer, around: Around | None = None, *, lane: Lane | None = None
) -> Endpoint:
    """Return the endpoint of an operation, with everything compiled that its requests need."""
    return Endpoint(
        operation=operation,
        parameters=ParameterReader(operation.parameters, operation.refused_preconditions),
        body=_body_reader(contract, operation),
        responses=ResponseRules(operation, contract.document, contract.schemas),
        call=call,
        around=around,
        lane=lane,
    )


def _body_reader(contract: Contract, operation: Operation) -> BodyReader | RawBodyReader | None:
    body = operation.body
    if body is None:
        return None
    if body.raw:
        return RawBodyReader(
            required=body.required, max_bytes=body.max_bytes, media_types=body.raw, headers=body.raw_headers
        )
    schema = contract.schemas.document(body.schema)
    return BodyReader(
        required=body.required,
        max_bytes=body.max_bytes,
        validator=contract.schemas.validator(body.schema),
        excerpts=Excerpts(schema),
        integers=integer_converter(schema),
        opaque=body.opaque,
        media_type=body.media_type,
    )
