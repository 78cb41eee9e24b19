"""A crowd of hostile clients in a process of its own: idle, slow, or deaf to what they are answered.

It ends by itself: after some seconds, or when it is told to.
"""

import asyncio
import contextlib
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event

LONGEST = 300.0
"""Seconds after which a crowd is gone whatever happens."""

_AT_ONCE = 50
_START_TIMEOUT = 120.0
_BETWEEN_BYTES = 0.5
_READ_AT_ONCE = 1024
_ENDLESS_HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Padding: " + b"x" * 1000


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many of each kind there are.

    Args:
        idle: Those that have had an answer, keep their connection, and say nothing.
        slow: Those that send the head of a request byte by byte, and begin again when they are thrown out.
        deaf: Those that ask several times and never read.
        request: What the deaf ones ask, as bytes.
        times: How often each of them does.
    """

    idle: int = 0
    slow: int = 0
    deaf: int = 0
    request: bytes = b""
    times: int = 1


@contextmanager
def present(port: int, crowd: Crowd) -> Iterator[None]:
    """Have a crowd connected to a port of this machine for the length of the block."""
    context = multiprocessing.get_context("spawn")
    ready, over = context.Event(), context.Event()
    process = context.Process(target=_run, args=(port, crowd, ready, over), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_TIMEOUT):
            raise TimeoutError("the crowd didn't come together")
        yield
    finally:
        over.set()
        process.join(_START_TIMEOUT)
        if process.is_alive():
            process.kill()


def _run(port: int, crowd: Crowd, ready: Event, over: Event) -> None:
    asyncio.run(_stand(port, crowd, ready, over))


async def _stand(port: int, crowd: Crowd, ready: Event, over: Event) -> None:
    kept: list[asyncio.StreamWriter] = []
    gate = asyncio.Semaphore(_AT_ONCE)

    async def let_in(enter: Callable[[int], Awaitable[asyncio.StreamWriter]]) -> None:
        async with gate:
            kept.append(await enter(port))

    await asyncio.gather(*(let_in(_idle) for _ in range(crowd.idle)))
    deaf = [_ask_deaf(port, crowd) for _ in range(crowd.deaf)]
    slow = [asyncio.create_task(_speak_slowly(port)) for _ in range(crowd.slow)]
    ready.set()
    await asyncio.to_thread(over.wait, LONGEST)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    for connection in deaf:
        connection.close()


async def _idle(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.read(_READ_AT_ONCE)
    return writer


async def _speak_slowly(port: int) -> None:
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                for byte in _ENDLESS_HEAD:
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(_BETWEEN_BYTES)
        await asyncio.sleep(_BETWEEN_BYTES)


def _ask_deaf(port: int, crowd: Crowd) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(crowd.request * crowd.times)
    return connection
