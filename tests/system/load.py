"""A load of clients that ask until they are refused and repeat nothing: what they lose, the service has lost."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

CLIENTS = 100
LONGEST_PAUSE = 0.2
PATIENCE = 60.0
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LAST = REQUEST + b"Connection: close\r\n\r\n"


@dataclass
class Load:
    """Clients that ask until they are refused, and repeat nothing."""

    port: int
    chance: random.Random
    answered: int = 0
    said_last: int = 0
    lost: list[str] = field(default_factory=list)

    async def ask_on_one_connection(self) -> None:
        """Ask on a connection until an answer says that it was the last one."""
        while (connection := await self._connect()) is not None:
            reader, writer = connection
            while await self._exchange(reader, writer, REQUEST + b"\r\n"):  # noqa: ASYNC110 - it is an exchange
                await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE))
            writer.close()

    async def ask_on_new_connections(self) -> None:
        """Ask on a connection for each request."""
        while (connection := await self._connect()) is not None:
            reader, writer = connection
            await self._exchange(reader, writer, LAST)
            writer.close()
            await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            return await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return None

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
        """Return whether there may be another request on the connection."""
        try:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.lost.append(repr(error))
            return False
        assert head.startswith(b"HTTP/1.1 200 ")
        self.answered += 1
        last = b"connection: close" in head
        self.said_last += last and request != LAST
        return not last


async def burden(load: Load, interrupt: Callable[[], Awaitable[None]], *, pairs: int = CLIENTS // 2) -> None:
    """Run all clients, and interrupt what they ask."""
    clients = [load.ask_on_one_connection, load.ask_on_new_connections] * pairs
    asking = [asyncio.create_task(client()) for client in clients]
    await interrupt()
    await asyncio.wait_for(asyncio.gather(*asking), PATIENCE)
