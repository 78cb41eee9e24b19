"""Binds each operation to its handler: once at start, by name and by annotation."""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args, get_type_hints
from uuid import UUID

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.parameters import Parameter
from automation.contract.compiled.scalars import boolean, date_time, integer, number, string, uuid
from automation.contract.document.findings import Finding
from automation.contract.document.naming import module_name
from automation.contract.serving.accept import Accept
from automation.contract.serving.connection import Connection
from automation.contract.serving.request_head import RequestHead
from automation.domain.hooks import Hook
from automation.domain.origin import Origin
from automation.domain.principal import Principal

Handler = Callable[..., Awaitable[Any]]

BODY = "body"
OF_CALLERS = frozenset({Origin, Principal})
"""What is known of a request whose caller is known: not where everybody may call."""
OF_HOOKS = frozenset({Hook})
"""What is known of a request that has a hook's token."""
OF_BODIES = frozenset({Connection})
"""What is known of a request whose body was read."""
KNOWN = OF_CALLERS | OF_HOOKS | OF_BODIES | {Accept, RequestHead}
"""What handlers may ask for, by annotation, of what is known of the request."""
TYPES: Mapping[object, type] = {
    string: str,
    uuid: UUID,
    date_time: datetime,
    integer: int,
    number: float,
    boolean: bool,
}


class Unbindable(Exception):
    """An operation has no handler, or one that can't be called with what the operation has.

    Args:
        messages: What is wrong, each in words that follow the operation's name.
    """

    def __init__(self, *messages: str) -> None:
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Binding:
    """A handler and where its arguments come from.

    ``arguments`` are those that a request carries (``body`` among them), ``known`` those that are given what is known
    of the request, by its type: one of ``KNOWN``. ``provided`` are given an object of a type, always the same one.
    """

    function: Handler
    arguments: tuple[str, ...]
    known: Mapping[str, type]
    provided: Mapping[str, type]


def bind(operation: Operation, package: str, provided: Collection[type]) -> Binding:
    """Return an operation's handler, ready to be called.

    Args:
        operation: The operation.
        package: The package of handlers; the operation's tag names the module in it.
        provided: The types that handlers may ask for by annotation.

    Raises:
        Unbindable: With everything that is wrong.
    """
    function = _function(operation, package)
    try:
        hints = get_type_hints(function)
    except Exception as error:
        raise Unbindable(f"its handler has an annotation that can't be read ({type(error).__name__})") from error
    parameters = inspect.signature(function).parameters
    sources = {name: _source(operation, name, hints.get(name), provided) for name in parameters}
    messages = [*_problems(operation, function, sources), *_mistyped(operation, hints)]
    if messages:
        raise Unbindable(*messages)
    return Binding(
        function=function,
        arguments=tuple(name for name, source in sources.items() if source == "request"),
        known=_of(sources, KNOWN),
        provided=_of(sources, provided),
    )


def findings(operation: Operation, where: str, package: str, provided: Collection[type]) -> Iterator[Finding]:
    """Yield what keeps an operation's handler from being called."""
    try:
        bind(operation, package, provided)
    except Unbindable as error:
        yield from (Finding(where, message) for message in error.messages)


def _function(operation: Operation, package: str) -> Handler:
    name = f"{package}.{module_name(operation.tag)}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise Unbindable(f"there is no handler module {name}") from error
        raise Unbindable(f"its handler module {name} imports {error.name}, which is missing") from error
    except Exception as error:
        raise Unbindable(f"its handler module {name} can't be imported ({type(error).__name__}: {error})") from error
    function: Handler | None = getattr(module, operation.function, None)
    if function is None:
        raise Unbindable(f"there is no handler {name}.{operation.function}")
    if not inspect.iscoroutinefunction(function):
        raise Unbindable(f"its handler {name}.{operation.function} is not an async function")
    return function


def _source(operation: Operation, name: str, annotation: object, provided: Collection[type]) -> type | str | None:
    """Return where a handler's argument comes from: the request, a type, or nowhere."""
    if name in requested(operation):
        return "request"
    unknown = {
        *(OF_CALLERS if operation.public else ()),
        *(OF_HOOKS if operation.hook is None else ()),
        *(OF_BODIES if operation.body is None else ()),
    }
    there = {*provided, *(KNOWN - unknown)}
    return annotation if isinstance(annotation, type) and annotation in there else None


def _of(sources: Mapping[str, object], types: Collection[type]) -> dict[str, type]:
    return {name: source for name, source in sources.items() if isinstance(source, type) and source in types}


def requested(operation: Operation) -> set[str]:
    """Return the arguments that a request of the operation carries, as a handler names them."""
    return {each.argument for each in operation.parameters} | ({BODY} if operation.body else set())


def _problems(operation: Operation, function: Handler, sources: Mapping[str, object]) -> Iterator[str]:
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            yield f"its handler's parameter {name} can't be bound by name"
        elif sources[name] is None:
            yield f"its handler's parameter {name} is neither in the contract nor of a type that is provided"
    for each in operation.parameters:
        # A header may be for others to read, such as x-tenant-id, which security looks at; so may a hook's token.
        if each.location != "header" and each.name != operation.hook and each.argument not in sources:
            yield f"its handler does not take the {each.location} parameter {each.name} (as {each.argument})"
    if operation.body and BODY not in sources:
        yield "its handler does not take the request's body (as body)"


def _mistyped(operation: Operation, hints: Mapping[str, object]) -> Iterator[str]:
    for each in operation.parameters:
        annotation = _without_none(hints.get(each.argument))
        if annotation in TYPES.values() and annotation is not _type(each):
            yield f"its handler takes {each.argument} as {annotation.__name__}, but it is a {_type(each).__name__}"


def _type(parameter: Parameter) -> type:
    return list if parameter.many else TYPES[parameter.item]


def _without_none(annotation: object) -> Any:
    members = [each for each in get_args(annotation) if each is not type(None)]
    return members[0] if len(members) == 1 and type(None) in get_args(annotation) else annotation
