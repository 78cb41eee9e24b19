"""Causes of a connection that could not be made are told apart, seen through a real client."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from automation.engine.actions import ActionFailed, Actions
from tests.engine.actions.calls import a_call


@asynccontextmanager
async def speaking_tls(name: str) -> AsyncIterator[int]:
    """Serve TLS with a certificate for a name, of an authority that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(name).configure_cert(context)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def answering(content: bytes) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(content)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def failure(actions: Actions, url: str) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        await actions.run("webhook_call", {"url": url}, a_call())
    return raised.value


async def test_a_certificate_that_is_not_trusted_is_told(actions: Actions) -> None:
    async with speaking_tls("127.0.0.1") as port:
        failed = await failure(actions, f"https://127.0.0.1:{port}/secret")

    assert failed.message == f"127.0.0.1:{port} was not called: its certificate's issuer is not known"
    assert failed.definite


async def test_a_receiver_that_speaks_no_tls_is_told(actions: Actions) -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        failed = await failure(actions, f"https://127.0.0.1:{port}/secret")

    assert failed.message == f"127.0.0.1:{port} was not called: it did not agree on TLS"
    assert failed.definite


async def test_a_refused_connection_is_told(actions: Actions, closed_port: int) -> None:
    failed = await failure(actions, f"http://127.0.0.1:{closed_port}/secret")

    assert failed.message == f"127.0.0.1:{closed_port} refused the connection"
    assert failed.definite
