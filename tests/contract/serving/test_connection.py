"""A handler that takes long may wait for the end of the connection that its request came on."""

from collections.abc import Iterator
from typing import Any

import pytest

from automation.contract.serving.connection import Connection
from tests.contract.tiny import Handlers, contract, writing


@pytest.fixture
def told() -> list[str]:
    return []


async def test_a_handler_of_a_body_is_told_when_its_client_has_gone(handlers: Handlers, told: list[str]) -> None:
    async def put_thing(body: Any, connection: Connection) -> None:
        told.append(f"has read {body}")
        await connection.ended()
        told.append("was left")

    application = handlers.application(
        contract({"/thing": {"put": writing("putThing", {"type": "integer"})}}), put_thing
    )
    body = {"type": "http.request", "body": b"7", "more_body": False}
    messages: Iterator[dict[str, Any]] = iter([body, {"type": "http.disconnect"}])

    async def receive() -> Any:
        message = next(messages)
        told.append(message["type"])
        return message

    async def send(_message: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "PUT",
        "path": "/thing",
        "raw_path": b"/thing",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"1")],
        "extensions": {},
    }
    await application(scope, receive, send)

    assert told == ["http.request", "has read 7", "http.disconnect", "was left"]
