"""Conversations with a protocol in this process: a client's end of a connection, and the protocol at the other."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from automation.service.connection_bounds import Bounds
from automation.service.http.connections import Connections
from automation.service.http.hosts import Hosts
from automation.service.http.protocol import Protocol

BOUNDS = Bounds(
    first_byte_seconds=10.0, body_seconds=10.0, write_seconds=10.0, slowest_rate=1, most=9, most_per_address=9
)
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"


async def reading(_scope: Any, receive: Any, send: Any) -> None:
    """Answer once the whole body has come."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Conversation:
    """A client's end of a connection, and the protocol at the other."""

    client: socket.socket
    protocol: Protocol

    async def answer(self) -> bytes:
        """Return what comes until the connection ends."""
        loop, answer = asyncio.get_running_loop(), b""
        async with asyncio.timeout(10):
            while piece := await loop.sock_recv(self.client, 65536):
                answer += piece
        return answer


@asynccontextmanager
async def conversation(
    app: Any = reading, bounds: Bounds = BOUNDS, connections: Connections | None = None
) -> AsyncIterator[Conversation]:
    loop = asyncio.get_running_loop()
    theirs, ours = socket.socketpair()
    theirs.setblocking(False)
    config = Config(app, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=600)
    config.load()
    protocol = Protocol(
        config=config,
        server_state=ServerState(),
        app_state={},
        hosts=Hosts(),
        connections=connections or Connections(bounds),
    )
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, ours)
    try:
        yield Conversation(theirs, protocol)
    finally:
        transport.abort()
        theirs.close()
