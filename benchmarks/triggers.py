"""Triggers of jobs: over HTTP for the service, and for its peers by a process of theirs that sends what it is told."""

import asyncio
import json
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from benchmarks.load import InvalidRun

CLIENTS = 8
"""How many jobs of a backlog are asked for at a time."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODY = b'{"trigger_data":{}}'

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Trigger(Protocol):
    """Asks for jobs."""

    async def fire(self) -> tuple[str, float]:
        """Ask for a job, and return its name, which is the path of its call, and when it was asked for."""


class HttpTrigger:
    """Asks the service to execute a rule, over connections that are kept.

    It shares the machine with what is measured, so it does as little as it can.
    """

    def __init__(self, port: int, path: str, key: str) -> None:
        self._port = port
        self._request = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
        ).encode() + _BODY
        self._idle: list[Connection] = []

    async def fire(self) -> tuple[str, float]:
        """Ask for an execution.

        Raises:
            InvalidRun: The service refuses.
        """
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        sent = time.perf_counter()
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if not head.startswith(b"HTTP/1.1 2"):
            raise InvalidRun(body.decode(errors="replace"))
        self._idle.append((reader, writer))
        name: str = json.loads(body)["data"]["execution_id"]
        return name, sent

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()


class ProcessTrigger:
    """Tells a process, which has the peer's library, the names of jobs, and learns when each was sent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[str, asyncio.Future[float]] = {}

    async def fire(self) -> tuple[str, float]:
        """Ask for a job.

        Raises:
            InvalidRun: The process has ended.
        """
        name = uuid.uuid4().hex
        said = self._waiting[name] = asyncio.get_running_loop().create_future()
        if self._process.stdin is None or self._process.returncode is not None:
            raise InvalidRun("the process that sends jobs has ended")
        self._process.stdin.write(f"{name}\n".encode())
        return name, await said

    async def listen(self) -> None:
        """Read what the process says, until it ends."""
        if self._process.stdout is not None:
            async for line in self._process.stdout:
                name, sent = line.decode().split()
                self._waiting.pop(name).set_result(float(sent))
        for unsaid in self._waiting.values():
            unsaid.set_exception(InvalidRun("the process that sends jobs has ended"))


@asynccontextmanager
async def process_trigger(command: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[ProcessTrigger]:
    """Run a process that sends jobs; it ends with its standard input, and not by the terminal's Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=sys.stderr,
        start_new_session=True,
    )
    trigger = ProcessTrigger(process)
    listening = asyncio.create_task(trigger.listen())
    try:
        yield trigger
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await listening
        await process.wait()


async def fire_many(trigger: Trigger, number: int) -> None:
    """Ask for so many jobs, a few at a time."""
    left = iter(range(number))

    async def some() -> None:
        for _ in left:
            await trigger.fire()

    await asyncio.gather(*(some() for _ in range(CLIENTS)))
