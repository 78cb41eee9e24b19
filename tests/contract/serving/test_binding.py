"""Operations are bound to functions, and refused where they can't be."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.operations import Operation
from automation.contract.serving.binding import Unbindable, bind
from automation.domain.principal import Principal
from tests.contract.tiny import (
    PACKAGE,
    STRING,
    UUID_STRING,
    Handlers,
    contract,
    operation,
    parameter,
    secured,
    writing,
)


class Service: ...


def compiled(item: dict[str, Any], operation_id: str = "getThing") -> Operation:
    return Contract(contract({"/things/{id}": {"parameters": PARAMETERS, **item}})).operations[operation_id]


PARAMETERS = [
    parameter("id", "path", UUID_STRING),
    parameter("pageSize", "query", {"type": "integer"}),
    parameter("x-tenant-id", "header", STRING),
]


def refusals(handlers: Handlers, function: Any, bound: Operation) -> tuple[str, ...]:
    function.__name__ = bound.function
    handlers.module("things", function)
    with pytest.raises(Unbindable) as caught:
        bind(bound, PACKAGE, [Service])
    return caught.value.messages


def test_arguments_are_bound_by_name_and_by_annotation(handlers: Handlers) -> None:
    async def get_thing(id: UUID, page_size: int | None, who: Principal, *, service: Service) -> None: ...

    handlers.module("things", get_thing)

    binding = bind(compiled({"get": secured()}), PACKAGE, [Service])

    assert (binding.function, binding.arguments) == (get_thing, ("id", "page_size"))
    assert (binding.known, binding.provided) == ({"who": Principal}, {"service": Service})


def test_a_missing_module_is_told(handlers: Handlers) -> None:
    with pytest.raises(Unbindable, match=r"there is no handler module tiny_handlers\.things"):
        bind(compiled({"get": operation()}), PACKAGE, [])


def test_a_module_that_breaks_as_it_is_imported_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "breaking_handlers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "things.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(Unbindable, match=r"can't be imported \(ZeroDivisionError: division by zero\)"):
        bind(compiled({"get": operation()}), "breaking_handlers", [])


def test_a_module_that_imports_what_is_missing_is_told() -> None:
    with pytest.raises(Unbindable, match="imports nothing_like_it, which is missing"):
        bind(compiled({"get": operation()}), "tests.contract.broken_handlers", [])


def test_a_missing_function_is_told(handlers: Handlers) -> None:
    handlers.module("things")

    with pytest.raises(Unbindable, match=r"there is no handler tiny_handlers\.things\.get_thing"):
        bind(compiled({"get": operation()}), PACKAGE, [])


def test_a_function_that_is_not_async_is_refused(handlers: Handlers) -> None:
    def function(id: UUID) -> None: ...

    assert refusals(handlers, function, compiled({"get": operation()})) == (
        "its handler tiny_handlers.things.get_thing is not an async function",
    )


def test_everything_that_cannot_be_bound_is_told_at_once(handlers: Handlers) -> None:
    async def function(other: int, unknown: Service | None, who: Principal, *args: object, **more: object) -> None: ...

    assert refusals(handlers, function, compiled({"get": operation()})) == (
        "its handler's parameter other is neither in the contract nor of a type that is provided",
        "its handler's parameter unknown is neither in the contract nor of a type that is provided",
        "its handler's parameter who is neither in the contract nor of a type that is provided",
        "its handler's parameter args can't be bound by name",
        "its handler's parameter more can't be bound by name",
        "its handler does not take the path parameter id (as id)",
        "its handler does not take the query parameter pageSize (as page_size)",
    )


def test_a_body_must_be_taken(handlers: Handlers) -> None:
    async def function(id: UUID, page_size: int) -> None: ...

    assert refusals(handlers, function, compiled({"put": writing("putThing", {})}, "putThing")) == (
        "its handler does not take the request's body (as body)",
    )


def test_a_wrong_type_is_told(handlers: Handlers) -> None:
    async def function(id: str, page_size: str | None) -> None: ...

    assert refusals(handlers, function, compiled({"get": operation()})) == (
        "its handler takes id as str, but it is a UUID",
        "its handler takes page_size as str, but it is a int",
    )


def test_an_annotation_that_cannot_be_read_is_told(handlers: Handlers) -> None:
    async def function(id: "Nothing") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - what this is about

    assert refusals(handlers, function, compiled({"get": operation()})) == (
        "its handler has an annotation that can't be read (NameError)",
    )
