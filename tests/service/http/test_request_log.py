"""Every request has one id: the client's own where it sent exactly one sane id, else a fresh one."""

from uuid import UUID

import pytest
from starlette.types import Message, Receive, Scope, Send

from automation.contract.compiled.contract import Contract
from automation.service.http.client_addresses import ClientAddresses
from automation.service.http.request_log import RequestLog
from automation.service.problems import Problems
from tests.contract.tiny import contract, operation


@pytest.fixture
def problems() -> Problems:
    return Problems(Contract(contract({"/thing": {"get": operation()}})))


async def answered(problems: Problems, *sent: bytes) -> tuple[list[Message], Scope]:
    """Send a request with some X-Request-Ids, and return the answer's messages and the scope inside."""
    seen: list[Scope] = []
    messages: list[Message] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        messages.append(message)

    headers = [(b"x-request-id", value) for value in sent]
    await RequestLog(app, problems, ClientAddresses())(
        {"type": "http", "method": "GET", "path": "/", "headers": headers}, receive, send
    )
    return messages, seen[0]


def header(messages: list[Message], name: bytes) -> list[bytes]:
    return [value for given, value in messages[0]["headers"] if given == name]


@pytest.mark.parametrize("sent", [b"mine", b"  spaced\t", b"~" * 128])
async def test_a_clients_own_id_is_kept(problems: Problems, sent: bytes) -> None:
    messages, scope = await answered(problems, sent)

    assert header(messages, b"x-request-id") == [sent.strip(b" \t")]
    assert scope["extensions"]["request_id"] == sent.strip(b" \t").decode()
    assert header(messages, b"x-own") == [b"1"]


@pytest.mark.parametrize(
    "sent",
    [(), (b"one", b"two"), (b"same", b"same"), (b"",), (b" ",), (b"~" * 129,), (b"two\nlines",), ("é".encode(),)],
    ids=["none", "two", "twice the same", "empty", "blank", "too long", "two lines", "not ASCII"],
)
async def test_whatever_is_not_one_sane_id_is_replaced(problems: Problems, sent: tuple[bytes, ...]) -> None:
    messages, scope = await answered(problems, *sent)

    (given,) = header(messages, b"x-request-id")
    assert UUID(given.decode()).version == 4
    assert scope["extensions"]["request_id"] == given.decode()


async def test_what_nobody_inside_answered_is_answered_and_has_its_id(problems: Problems) -> None:
    messages: list[Message] = []

    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("secret")

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", b"mine")]}
    await RequestLog(broken, problems, ClientAddresses())(scope, receive, send)

    assert messages[0]["status"] == 500
    assert header(messages, b"x-request-id") == [b"mine"]
    assert b"secret" not in messages[1]["body"]


async def test_an_answer_that_had_begun_is_broken_off(problems: Problems) -> None:
    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        assert message["type"] == "http.response.start"

    with pytest.raises(RuntimeError, match="half way"):
        await RequestLog(broken, problems, ClientAddresses())(
            {"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send
        )
