"""The contract, its handlers and its security put together: one ASGI application with nothing left to build later."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from automation.contract.compiled.contract import Contract
from automation.contract.document.findings import ContractError, Finding
from automation.contract.serving.binding import Binding, Unbindable, bind
from automation.contract.serving.connexion_adapter import ASGIApp, ErrorHandler, Layer, Lifespan, assemble
from automation.contract.serving.dispatch import Call, Dispatch
from automation.contract.serving.validation import RequestValidation, ResponseValidation


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
    middlewares: Sequence[Layer] = (),
    lifespan: Lifespan = _nothing,
) -> ASGIApp:
    """Return the application that serves a contract.

    Args:
        contract: The contract, checked.
        handlers: The package that the handlers are in, a module for each tag.
        provided: What handlers may ask for by annotation, and the objects they get.
        security_map: Connexion's security handlers, by type of security scheme.
        error_handler: Answers for whatever is raised, domain errors above all.
        middlewares: What stands between authentication and validation: ``RoutedMiddleware``s, outer ones first.
        lifespan: An asynchronous context manager's function, entered while the application serves.

    Raises:
        ContractError: An operation has no handler that can be called with what it has.
    """
    bindings = _bindings(contract, handlers, provided)
    calls = {name: Call(contract.operations[name], binding, provided) for name, binding in bindings.items()}
    return assemble(
        Dispatch(calls),
        document=contract.document,
        base_path=contract.base_path,
        functions={name: binding.function for name, binding in bindings.items()},
        security_map=security_map,
        layers=[
            *middlewares,
            partial(RequestValidation, contract=contract),
            partial(ResponseValidation, contract=contract),
        ],
        error_handler=error_handler,
        lifespan=lifespan,
    )


def _bindings(contract: Contract, handlers: str, provided: Mapping[type, object]) -> dict[str, Binding]:
    bindings: dict[str, Binding] = {}
    findings: list[Finding] = []
    for operation_id, operation in contract.operations.items():
        try:
            bindings[operation_id] = bind(operation, handlers, provided.keys())
        except Unbindable as error:
            findings.extend(Finding(operation_id, message) for message in error.messages)
    if findings:
        raise ContractError(findings)
    return bindings
