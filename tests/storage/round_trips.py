"""Counts how often a client waits for the server, by passing on what both say; if told, loses answers, or pools."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict


@dataclass
class Proxy:
    """Where the proxy listens, how many answers it has passed on so far, and how many of the next ones it loses.

    With an answer that is lost, its connection breaks: what was asked is done, and nobody is told.

    Where it ``pools``, a client is told another process id than the server's; where it ``renames``, the server is told
    other names of prepared statements than the client's.
    """

    url: str
    round_trips: int = 0
    answers_to_lose: int = 0
    pools: bool = False
    renames: bool = False


@asynccontextmanager
async def counting_proxy(url: str) -> AsyncIterator[Proxy]:
    """Listen on loopback for the server of a URL; a round trip is a message of the server that says it is ready."""
    proxy = Proxy("")
    told = conninfo_to_dict(url)
    host, port = str(told.get("host", "localhost")), int(told.get("port") or 5432)
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        if host.startswith("/"):
            there, back = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            there, back = await asyncio.open_connection(host, port)
        try:
            await asyncio.wait(
                [asyncio.create_task(_pass_on(proxy, reader, back)), asyncio.create_task(_count(proxy, there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            back.close()
            writer.close()

    async with await asyncio.start_server(converse, "127.0.0.1") as server:
        address = server.sockets[0].getsockname()[1]
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        proxy.url = f"postgresql://{credentials}@127.0.0.1:{address}{parts.path}?sslmode=disable&gssencmode=disable"
        yield proxy
        for conversation in conversations:
            conversation.cancel()
            with suppress(asyncio.CancelledError):
                await conversation


async def _pass_on(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data.replace(b"_pg3_", b"_own_") if proxy.renames else data)
        await writer.drain()


async def _count(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Each of the server's messages is a letter, a length that counts itself, and the rest; Z is ReadyForQuery, which
    # comes when the transaction is committed.
    with suppress(asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            is_answered = head[:1] == b"Z"
            proxy.round_trips += is_answered
            if proxy.answers_to_lose:
                if is_answered:
                    proxy.answers_to_lose -= 1
                    return
                continue
            if proxy.pools and head[:1] == b"K":  # BackendKeyData: the process id, and a secret
                body = bytes([body[0] ^ 1]) + body[1:]
            writer.write(head + body)
            await writer.drain()
