"""Stopping and restarting under load: every request that arrived is answered, and only connections are refused."""

import asyncio
import logging
import os
import random
import re
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from tests.system.children import children_of, wait_until_it_serves
from tests.system.processes import Process, running, serving, wait_for_line, wait_until_alive

CLIENTS = 100
FEW = 20
"""How many clients leave processes time to start."""
ROUNDS = 2
LONGEST_PAUSE = 0.2
PATIENCE = 60.0
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LAST = REQUEST + b"Connection: close\r\n\r\n"

_log = logging.getLogger(__name__)

pytestmark = pytest.mark.timeout(300)


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


def load_of(process: Process) -> Load:
    """Return clients of a process, whose chance can be had again by its seed, which is printed."""
    seed = random.SystemRandom().randrange(2**32)
    _log.warning("seed %d", seed)
    return Load(httpx.URL(process.base_url).port or 0, random.Random(seed))  # noqa: S311 - nobody needs to guess it


def wait_for_all(process: Process, workers: int) -> None:
    """Wait until all the children of a process serve."""
    if workers > 1:
        for child in children_of(process):
            wait_until_it_serves(process, child.pid)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_is_lost_by_a_stop(settings: dict[str, str], workers: int) -> None:
    for _ in range(ROUNDS):
        with serving(settings, workers=workers) as process:
            wait_for_all(process, workers)
            load = load_of(process)

            async def stop(process: Process = process, load: Load = load) -> None:
                await asyncio.sleep(load.chance.uniform(0.3, 1.0))
                process.popen.send_signal(signal.SIGTERM)

            asyncio.run(burden(load, stop))
            code = process.stop()

        assert code == 0
        assert load.lost == []
        assert load.answered > CLIENTS
        assert load.said_last >= 1


def test_no_request_is_lost_while_children_are_replaced(settings: dict[str, str]) -> None:
    with serving(settings, workers=2) as process:
        wait_for_all(process, 2)
        load = load_of(process)
        before = {child.pid for child in children_of(process)}

        async def replace_and_stop() -> None:
            process.popen.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + PATIENCE
            while before & {child.pid for child in children_of(process)}:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
            process.popen.send_signal(signal.SIGTERM)

        asyncio.run(burden(load, replace_and_stop, pairs=FEW // 2))

    assert load.lost == []
    assert load.answered > FEW


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_told_to_stop_is_not_ready_and_answers_on_until_load_balancers_know(
    settings: dict[str, str], workers: int
) -> None:
    with serving(settings | {"AUTOMATION_DRAIN_SECONDS": "12"}, workers=workers) as process:
        wait_for_all(process, workers)
        before = httpx.get(f"{process.base_url}/readyz", trust_env=False)
        process.popen.send_signal(signal.SIGTERM)
        time.sleep(1.5)

        ready = [httpx.get(f"{process.base_url}/readyz", trust_env=False) for _ in range(4)]
        alive = httpx.get(f"{process.base_url}/healthz", trust_env=False)
        code = process.stop()

    assert code == 0
    assert before.status_code == 200
    assert {answer.status_code for answer in ready} == {503}
    assert {answer.headers["connection"] for answer in ready} == {"close"}
    assert "about to stop" in ready[0].json()["detail"]
    assert alive.status_code == 200


def test_children_end_with_their_parent_and_free_its_port(settings: dict[str, str]) -> None:
    with serving(settings, workers=2) as process:
        wait_for_all(process, 2)
        children = children_of(process)
        process.popen.send_signal(signal.SIGKILL)

        _, left = psutil.wait_procs(children, timeout=PATIENCE)

        assert left == []
        port = str(httpx.URL(process.base_url).port)
        with running(["serve", "--port", port], settings) as successor:
            successor.base_url = process.base_url
            wait_until_alive(successor)


def test_a_lack_of_descriptors_is_told_once_and_outlived(settings: dict[str, str]) -> None:
    with serving(settings) as process:
        server = psutil.Process(process.popen.pid)
        httpx.get(f"{process.base_url}/readyz", trust_env=False)
        _, hard = server.rlimit(psutil.RLIMIT_NOFILE)
        server.rlimit(psutil.RLIMIT_NOFILE, (3, hard))  # standard input, output and error

        async def ask_in_vain() -> None:
            with pytest.raises(httpx.TimeoutException):
                async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                    await client.get(f"{process.base_url}/healthz")

        asyncio.run(ask_in_vain())
        wait_for_line(process, "no connections taken")
        busy = server.cpu_percent(interval=1)
        server.rlimit(psutil.RLIMIT_NOFILE, (hard, hard))
        answer = httpx.get(f"{process.base_url}/healthz", trust_env=False)
        lines = [line for line in process.log_lines() if line["event"] == "no connections taken"]

    assert answer.status_code == 200
    assert len(lines) == 1
    assert lines[0]["reason"] == os.strerror(24)
    assert busy < 50
