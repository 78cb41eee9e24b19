"""The contract, its handlers and its security put together: one ASGI application with nothing left to build later."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.operations import Operation
from automation.contract.document.findings import ContractError, Finding
from automation.contract.serving.binding import Binding, Unbindable, bind
from automation.contract.serving.body_turns import BodyTurns
from automation.contract.serving.connexion_adapter import ErrorHandler, Guard, Guarded, Lifespan, assemble
from automation.contract.serving.endpoint import Around, Endpoint, endpoint
from automation.contract.serving.handler_call import HandlerCall
from automation.contract.serving.lanes import Lane
from automation.contract.serving.request_validation import RequestValidation
from automation.contract.serving.response_validation import ResponseValidation
from automation.domain.errors import Unavailable


async def _close(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Close a websocket that a client tries to open: the contract has none."""
    await send({"type": "websocket.close", "code": 1000})


@asynccontextmanager
async def _nothing(_app: object) -> AsyncIterator[None]:
    yield


def build(
    contract: Contract,
    *,
    handlers: str,
    provided: Mapping[type, object],
    security_map: Mapping[str, Callable[[], Any]],
    error_handler: ErrorHandler,
    guards: Sequence[Guarded] = (),
    around: Callable[[Operation], Around | None] = lambda _operation: None,
    lifespan: Lifespan = _nothing,
    lanes: Mapping[str, Lane | None] = MappingProxyType({}),
) -> ASGIApp:
    """Return the application that serves a contract.

    Args:
        contract: The contract, checked.
        handlers: The package that the handlers are in, a module for each tag.
        provided: What handlers may ask for by annotation, and the objects they get.
        security_map: Connexion's security handlers, by type of security scheme.
        error_handler: Answers for whatever is raised, domain errors above all.
        guards: What stands between authentication and validation, made for each operation: outer ones first.
        around: Makes what stands between the validation of an operation's requests and that of its responses.
        lifespan: An asynchronous context manager's function, entered while the application serves.
        lanes: The lanes of operations, by their operationIds; None for those of which however many may be
            under way. All others are in the lane of reads or in that of writes.

    Raises:
        ContractError: An operation has no handler that can be called with what it has.
    """
    bindings, turns = _bindings(contract, handlers, provided), BodyTurns()
    return assemble(
        _close,
        document=contract.document,
        base_path=contract.base_path,
        endpoints=[
            endpoint(
                contract,
                operation,
                HandlerCall(operation, binding, provided),
                around(operation),
                lane=lanes.get(operation.operation_id, _lane(operation)),
            )
            for operation, binding in bindings
        ],
        security_map=security_map,
        layers=[
            partial(Guard, guarded=_all(guards)),
            partial(RequestValidation, turns=turns),
            partial(ResponseValidation, turns=turns),
        ],
        error_handler=error_handler,
        lifespan=lifespan,
    )


def _lane(operation: Operation) -> Lane | None:
    """Return the lane of an operation that wants the database; it must be able to say that it can't be done now."""
    if Unavailable.status not in operation.responses:
        return None
    return Lane.READS if operation.method == "GET" else Lane.WRITES


def _all(guards: Sequence[Guarded]) -> Guarded:
    """Return the guards as one, whose operations pass requests from each to the next."""

    def guarded(endpoint: Endpoint, app: ASGIApp) -> ASGIApp:
        for each in reversed(guards):
            app = each(endpoint, app)
        return app

    return guarded


def _bindings(contract: Contract, handlers: str, provided: Mapping[type, object]) -> list[tuple[Operation, Binding]]:
    bindings: list[tuple[Operation, Binding]] = []
    findings: list[Finding] = []
    for operation in contract.operations.values():
        try:
            bindings.append((operation, bind(operation, handlers, provided.keys())))
        except Unbindable as error:
            findings.extend(Finding(operation.operation_id, message) for message in error.messages)
    if findings:
        raise ContractError(findings)
    return bindings
