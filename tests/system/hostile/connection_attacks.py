"""Attacks by how clients behave: they are silent, slow or deaf, or gone before they are answered."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Sequence
from random import Random

import httpx

from tests.system.hostile.arena import Arena
from tests.system.hostile.attacks import Attack, Target
from tests.system.tenancy import RULES
from tests.system.wire import Wire

_LONG = 4.0
_SILENT, _SLOW, _DEAF, _GONE = 1200, 60, 20, 30
_SILENT_AT_ONCE = 40
_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Padding: " + b"x" * 1000
_BODY = f"POST {RULES} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n".encode()


class SilentClients(Attack):
    """More connections than there are descriptors say nothing, and dozens send a head or a body byte by byte."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        until = time.monotonic() + _LONG
        silent = Wire(arena.base_url, "127.0.0.2")
        wires = [Wire(arena.base_url, f"127.0.0.{number}") for number in range(3, 10)]

        async def be_silent(number: int) -> None:
            await asyncio.sleep(number // _SILENT_AT_ONCE * 0.03)
            writer = await _connected(silent, until)
            await asyncio.sleep(max(0.0, until - time.monotonic()))
            writer.close()

        async def be_slow(number: int) -> None:
            writer = await _connected(wires[number % len(wires)], until)
            if number % 2:
                writer.write(_BODY)
            while time.monotonic() < until and not writer.is_closing():
                writer.write(_HEAD[:1])
                await asyncio.sleep(chance.uniform(0.1, 0.5))
            writer.close()

        return await _all([*(be_silent(each) for each in range(_SILENT)), *(be_slow(each) for each in range(_SLOW))])


class DeafClients(Attack):
    """Clients ask for a large answer a dozen times each, and read none of it."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy = arena.greedy
        request = f"GET {greedy.large} HTTP/1.1\r\nHost: x\r\nx-api-key: {greedy.tenant.key}\r\n\r\n".encode()
        with contextlib.ExitStack() as stack:
            for _ in range(_DEAF):
                await asyncio.to_thread(_ask_deaf, stack.enter_context(socket.socket()), arena, request * 12)
            await asyncio.sleep(_LONG)
        return []


class ClientsGone(Attack):
    """Clients send a request, or half of one, and reset the connection at once, again and again."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        asked = f"GET {arena.innocents.execution} HTTP/1.1\r\nHost: x\r\nx-api-key: {arena.innocents.key}\r\n\r\n"
        requests = [asked.encode(), asked.encode() * 8, _BODY, _BODY + b"{" * 500, _HEAD]
        until = time.monotonic() + _LONG

        async def be_gone() -> None:
            wire = Wire(arena.base_url)
            writer = await _connected(wire, until)
            while time.monotonic() < until:
                writer.write(chance.choice(requests))
                await asyncio.sleep(chance.choice([0.0, 0.005, 0.05]))
                writer.transport.abort()
                await asyncio.sleep(chance.uniform(0.1, 0.3))
                with contextlib.suppress(OSError):  # nothing listens until the end
                    writer = await _connected(wire, until)

        return await _all([be_gone() for _ in range(_GONE)])


async def _connected(wire: Wire, until: float) -> asyncio.StreamWriter:
    """Return a connection, as soon as there is one: another attack may have stopped what listens, for a while."""
    while True:
        try:
            return (await wire.connect())[1]
        except OSError:
            if time.monotonic() >= until:
                raise
        await asyncio.sleep(0.1)


async def _all(clients: Sequence[Awaitable[None]]) -> Sequence[str]:
    """Return a line where none of the clients got through; one may find its process gone by another attack."""
    ends = await asyncio.gather(*clients, return_exceptions=True)
    unforeseen = [end for end in ends if end is not None and not isinstance(end, OSError)]
    return [*(f"a client failed: {end!r}" for end in unforeseen), *([] if None in ends else ["no client got through"])]


def _ask_deaf(connection: socket.socket, arena: Arena, request: bytes) -> None:
    url = httpx.URL(arena.base_url)
    connection.settimeout(_LONG)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with contextlib.suppress(OSError):  # another attack has ended the process that was asked
        connection.connect((url.host, url.port or 0))
        connection.sendall(request)
