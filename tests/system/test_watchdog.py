"""Processes that hang are told, ended and replaced; processes that were merely frozen are left alone."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from automation.service.watchdog import EXIT_CODE
from tests.plain_http import PLAIN
from tests.ports import free_port
from tests.system.children import PATIENCE, await_children, children_of, lines_of, wait_until_it_serves
from tests.system.processes import (
    COMMAND,
    Process,
    copy_service,
    environment,
    frozen,
    plant,
    running,
    serving,
)

WARN, KILL = 0.5, 2.0
LIMITS = {
    "AUTOMATION_WATCHDOG_WARN_SECONDS": str(WARN),
    "AUTOMATION_WATCHDOG_KILL_SECONDS": str(KILL),
    "AUTOMATION_SHUTDOWN_TIMEOUT": "1",
}
SPIN = "    while True:\n        pass\n"
HOLD = "    import ctypes\n\n    ctypes.PyDLL(None).sleep(3600)  # unlike CDLL, it keeps the interpreter's lock\n"
ANSWER_SECONDS = 5.0

pytestmark = pytest.mark.timeout(300)  # they wait for processes to be given up, and for others to start in their place


@pytest.fixture(scope="module")
def limited(session_settings: dict[str, str]) -> dict[str, str]:
    """Settings of a process whose watchdog is in a hurry."""
    return session_settings | LIMITS


@pytest.fixture(scope="module")
def family(limited: dict[str, str]) -> Iterator[Process]:
    """A parent with two children."""
    with serving(limited, workers=2) as process:
        for child in children_of(process):
            wait_until_it_serves(process, child.pid)
        yield process


@pytest.fixture
def spinning(tmp_path: Path) -> Path:
    """A copy of the service whose ``/readyz`` holds the event loop for ever."""
    copy = copy_service(tmp_path / "copy")
    plant(copy, "handlers/service.py", "    await readiness.check()\n", SPIN)
    return copy


def hold(process: Process) -> None:
    """Have a process hold its event loop."""
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{process.base_url}/readyz", **PLAIN, timeout=PATIENCE)


def expect_answers(process: Process) -> None:
    """Check that every new connection is answered, whichever process takes it."""
    for _ in range(20):
        assert httpx.get(f"{process.base_url}/healthz", **PLAIN, timeout=ANSWER_SECONDS).status_code == 200


def wait_for_replacement(process: Process, *old: psutil.Process) -> dict[str, Any]:
    """Wait until one of the children was replaced and its successor serves; return the parent's line."""
    pids = {child.pid for child in old}
    deadline = time.monotonic() + PATIENCE
    while not (lines := [line for line in lines_of(process, "process replaced") if line["pid"] in pids]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (line,) = lines
    wait_until_it_serves(process, line["by"])
    return line


def test_a_server_that_hangs_says_where_and_ends(limited: dict[str, str], spinning: Path) -> None:
    with serving(limited, copy=spinning) as process:
        hold(process)
        code = process.popen.wait(PATIENCE)

        (held,) = lines_of(process, "event loop held")
        (ended,) = lines_of(process, "event loop hangs, the process ends")

    assert code == EXIT_CODE
    assert held["level"] == "warning"
    assert WARN <= held["seconds"] < KILL
    assert "in get_readiness" in held["stack"]
    assert ended["level"] == "critical"
    assert ended["seconds"] >= KILL
    assert ended["exit_code"] == EXIT_CODE


def test_a_worker_that_hangs_says_where_and_ends(limited: dict[str, str], tmp_path: Path) -> None:
    copy = copy_service(tmp_path / "copy")
    plant(copy, "automation/engine/runs/sweeper.py", "        found = 0\n", "        while True:\n            pass\n")

    with running(["worker"], limited, copy=copy) as process:
        code = process.popen.wait(PATIENCE)

        (held,) = lines_of(process, "event loop held")

    assert code == EXIT_CODE
    assert "in sweep" in held["stack"]


def test_a_child_that_hangs_is_replaced(limited: dict[str, str], spinning: Path) -> None:
    with serving(limited, workers=2, copy=spinning) as process:
        old = children_of(process)
        hold(process)

        replaced = wait_for_replacement(process, *old)
        expect_answers(process)
        held = lines_of(process, "event loop held")
        code = process.stop()

    assert code == 0
    assert replaced["exit_code"] == EXIT_CODE
    assert len(held) == 1


def test_a_child_whose_interpreter_is_held_is_replaced(limited: dict[str, str], tmp_path: Path) -> None:
    copy = copy_service(tmp_path / "copy")
    plant(copy, "handlers/service.py", "    await readiness.check()\n", HOLD)

    with serving(limited, workers=2, copy=copy) as process:
        old = children_of(process)
        hold(process)

        replaced = wait_for_replacement(process, *old)
        expect_answers(process)
        code = process.stop()

    assert code == 0
    assert replaced["exit_code"] == -signal.SIGKILL


class TestAParent:
    def test_replaces_a_child_that_is_stopped(self, family: Process) -> None:
        old = children_of(family)[0]
        old.suspend()

        replaced = wait_for_replacement(family, old)

        assert replaced["reason"] == "it does not answer"
        assert replaced["exit_code"] == -signal.SIGKILL
        expect_answers(family)

    def test_replaces_a_child_that_dies(self, family: Process) -> None:
        old = children_of(family)[0]
        old.kill()

        replaced = wait_for_replacement(family, old)

        assert replaced["reason"] == "it ended"
        (ended,) = [line for line in lines_of(family, "process ended") if line["pid"] == old.pid]
        assert (ended["level"], ended["exit_code"]) == ("error", -signal.SIGKILL)
        expect_answers(family)

    def test_replaces_every_child_on_a_signal_while_the_old_ones_serve(self, family: Process) -> None:
        before = {child.pid for child in children_of(family)}

        family.popen.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while not lines_of(family, "service reloaded"):
            assert time.monotonic() < deadline
            time.sleep(0.05)

        programs = [child for child in children_of(family) if "spawn_main" in " ".join(child.cmdline())]
        after = {child.pid for child in programs}  # which have loaded what is installed by now
        told = {line["pid"] for line in lines_of(family, "process stopped")}
        assert len(lines_of(family, "service reloads")) == 1
        assert len(after - before) == 2
        assert after <= {line["pid"] for line in lines_of(family, "process started")}
        assert before <= told
        expect_answers(family)

    def test_loses_no_child_when_all_were_frozen_together(self, family: Process) -> None:
        before = children_of(family)
        lines = len(family.log_lines())

        with frozen(family.popen.pid):
            time.sleep(2 * KILL)
        time.sleep(KILL)

        assert children_of(family) == before
        expect_answers(family)
        # Whoever was frozen heard of no changes of keys for as long, and says so.
        unheard = {"changes of keys are not heard", "changes of keys are heard again"}
        assert {line["event"] for line in family.log_lines()[lines:]} <= {"request", *unheard}

    def test_ends_though_a_child_is_stopped(self, limited: dict[str, str]) -> None:
        patient = limited | {"AUTOMATION_WATCHDOG_KILL_SECONDS": "60"}
        with serving(patient, workers=2) as process:
            stopped = children_of(process)[0]
            stopped.suspend()

            code = process.stop()

            (ended,) = lines_of(process, "process ended: it did not stop")

        assert code == 0
        assert ended["pid"] == stopped.pid


def test_a_parent_whose_log_nobody_reads_replaces_a_child_and_hears_a_signal(limited: dict[str, str]) -> None:
    unread, stderr = os.pipe()
    fcntl.fcntl(stderr, fcntl.F_SETPIPE_SZ, 4096)
    command = [str(COMMAND), "serve", "--port", "0", "--workers", "2"]
    popen = subprocess.Popen(command, env=environment(limited), stdout=subprocess.DEVNULL, stderr=stderr)
    process = Process(popen, Path(os.devnull), Path(os.devnull))
    try:
        await_children(process, 2)
        fill(stderr)
        killed = children_of(process)[0]
        killed.kill()
        killed.wait(PATIENCE)
        children = await_children(process, 2)
        programs = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        code = process.stop()
    finally:
        popen.kill()
        popen.wait()
        os.close(unread)
        os.close(stderr)

    assert killed not in children
    assert len(programs) == 1  # a parent that has a thread with lines to carry out does not fork
    assert code == 0


def test_a_server_whose_log_nobody_reads_answers_on(limited: dict[str, str]) -> None:
    unread, stderr = os.pipe()
    fcntl.fcntl(stderr, fcntl.F_SETPIPE_SZ, 4096)
    command = [str(COMMAND), "serve", "--port", str(port := free_port())]
    popen = subprocess.Popen(command, env=environment(limited), stdout=subprocess.DEVNULL, stderr=stderr)
    process = Process(popen, Path(os.devnull), Path(os.devnull), base_url=f"http://127.0.0.1:{port}")
    try:
        await_answer(process)
        fill(stderr)
        until = time.monotonic() + 1.5 * KILL
        while time.monotonic() < until:
            expect_answers(process)
        os.set_blocking(unread, False)
        flowing = [os.read(unread, 65536)]
        expect_answers(process)
        code = process.stop()
        with contextlib.suppress(BlockingIOError):
            while more := os.read(unread, 65536):
                flowing.append(more)
    finally:
        popen.kill()
        popen.wait()
        os.close(unread)
        os.close(stderr)

    assert code == 0
    assert b'"event":"request"' in b"".join(flowing)


def await_answer(process: Process) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{process.base_url}/healthz", **PLAIN, timeout=ANSWER_SECONDS)
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fill(pipe: int) -> None:
    """Write to a pipe until it takes nothing more."""
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b".")
    os.set_blocking(pipe, True)


def test_a_server_that_was_frozen_goes_on(limited: dict[str, str]) -> None:
    with serving(limited) as process:
        with frozen(process.popen.pid):
            time.sleep(2 * KILL)
        time.sleep(KILL)

        expect_answers(process)
        assert not [line for line in process.log_lines() if "event loop" in line["event"]]


@pytest.mark.parametrize(
    "arguments",
    [["serve", "--port", "0"], ["serve", "--port", "0", "--workers", "2"], ["worker"]],
    ids=["alone", "family", "worker"],
)
def test_systemd_is_told_how_a_process_is(limited: dict[str, str], tmp_path: Path, arguments: list[str]) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(PATIENCE)
        with running(arguments, limited | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}) as process:
            ready = systemd.recv(100)
            alive = [systemd.recv(100) for _ in range(3)]

            code = process.stop()

        rest = {alive[0]}
        while (message := systemd.recv(100)) != b"STOPPING=1":
            rest.add(message)

    assert code == 0
    assert ready == b"READY=1"
    assert alive == [b"WATCHDOG=1"] * 3
    assert rest == {b"WATCHDOG=1"}
