"""Stopping and restarting under load: every request that arrived is answered, and only connections are refused."""

import asyncio
import logging
import os
import random
import signal
import time

import httpx
import psutil
import pytest

from tests.plain_http import PLAIN
from tests.system.children import children_of, wait_until_it_serves
from tests.system.load import CLIENTS, PATIENCE, Load, burden
from tests.system.processes import Process, running, serving, wait_for_line, wait_until_alive

FEW = 20
"""How many clients leave processes time to start."""
ROUNDS = 2

_log = logging.getLogger(__name__)

pytestmark = pytest.mark.timeout(300)


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
        before = httpx.get(f"{process.base_url}/readyz", **PLAIN)
        process.popen.send_signal(signal.SIGTERM)
        time.sleep(1.5)

        ready = [httpx.get(f"{process.base_url}/readyz", **PLAIN) for _ in range(4)]
        alive = httpx.get(f"{process.base_url}/healthz", **PLAIN)
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
        httpx.get(f"{process.base_url}/readyz", **PLAIN)
        _, hard = server.rlimit(psutil.RLIMIT_NOFILE)
        server.rlimit(psutil.RLIMIT_NOFILE, (3, hard))  # standard input, output and error

        async def ask_in_vain() -> None:
            with pytest.raises(httpx.TimeoutException):
                async with httpx.AsyncClient(**PLAIN, timeout=2) as client:
                    await client.get(f"{process.base_url}/healthz")

        asyncio.run(ask_in_vain())
        wait_for_line(process, "no connections taken")
        busy = server.cpu_percent(interval=1)
        server.rlimit(psutil.RLIMIT_NOFILE, (hard, hard))
        answer = httpx.get(f"{process.base_url}/healthz", **PLAIN)
        lines = [line for line in process.log_lines() if line["event"] == "no connections taken"]

    assert answer.status_code == 200
    assert len(lines) == 1
    assert lines[0]["reason"] == os.strerror(24)
    assert busy < 50
