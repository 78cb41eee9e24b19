"""A way to a PostgreSQL server on which, if told, nothing of some connections arrives any more, and nothing breaks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict


@dataclass
class Way:
    """Where it begins; while ``lost``, packets of connections that call themselves ``name`` get lost, old and new."""

    name: bytes
    url: str = ""
    lost: bool = False

    @contextmanager
    def partitioned(self) -> Iterator[None]:
        """Lose packets for the length of the block."""
        self.lost = True
        try:
            yield
        finally:
            self.lost = False


@asynccontextmanager
async def way_to(url: str, name: str) -> AsyncIterator[Way]:
    """Listen on loopback for the server of a URL, which listens on a Unix socket.

    Args:
        url: The server's.
        name: The ``application_name`` of the connections that can be lost.
    """
    way = Way(name.encode())
    told = conninfo_to_dict(url)
    socket = f"{told['host']}/.s.PGSQL.{told.get('port') or 5432}"

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(socket)
        except OSError:  # there is no server at the moment
            writer.close()
            return
        length = await reader.readexactly(4)
        startup = length + await reader.readexactly(int.from_bytes(length) - 4)
        losing = way.name in startup
        await _pass_on(way, startup, back, losing=losing)
        try:
            await asyncio.gather(_lead(way, reader, back, losing=losing), _lead(way, there, writer, losing=losing))
        except (OSError, EOFError):
            pass
        finally:
            back.close()
            writer.close()

    async with await asyncio.start_server(lead, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        way.url = f"postgresql://{credentials}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
        yield way


async def _lead(way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, losing: bool) -> None:
    while data := await reader.read(65_536):
        await _pass_on(way, data, writer, losing=losing)
    writer.close()


async def _pass_on(way: Way, data: bytes, writer: asyncio.StreamWriter, *, losing: bool) -> None:
    if not (losing and way.lost):
        writer.write(data)
        await writer.drain()
