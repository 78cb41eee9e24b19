"""Stopping: what is in flight is finished, and nothing is left running."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from automation.service.release import release
from automation.service.secrecy import mask
from automation.storage.embedded import EmbeddedServer
from tests.plain_http import PLAIN
from tests.signals import deaf
from tests.system.children import children_of, lines_of
from tests.system.processes import (
    demonstrating,
    frozen,
    get_completed_execution,
    own_server,
    serving,
    wait_for_line,
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_stops_the_server_in_order(settings: dict[str, str], number: signal.Signals, workers: int) -> None:
    with serving(settings, workers=workers) as process:
        wait_for_line(process, "service started")
        children = psutil.Process(process.popen.pid).children(recursive=True)

        code = process.stop(number)
        told = [(line["event"], line["pid"]) for line in process.log_lines() if line["event"].startswith("service ")]

    assert code == 0
    assert told == [(f"service {event}", process.popen.pid) for event in ("started", "stopping", "stopped")]
    _, left = psutil.wait_procs(children, timeout=5)
    assert not left


@pytest.mark.parametrize("workers", [1, 2])
def test_no_line_of_a_request_is_lost_by_a_stop(settings: dict[str, str], workers: int) -> None:
    asked = [f"asked-{number}" for number in range(20)]
    with serving(settings, workers=workers) as process:
        with httpx.Client(base_url=process.base_url, **PLAIN) as client:
            for request_id in asked:
                client.get("/healthz", headers={"x-request-id": request_id})

        process.stop()
        logged = [line["request_id"] for line in process.log_lines() if line["event"] == "request"]

    assert [request_id for request_id in logged if request_id in asked] == asked


def test_a_server_tells_as_what_it_starts_and_with_which_settings_but_no_secret(settings: dict[str, str]) -> None:
    url = settings["AUTOMATION_DATABASE_URL"]
    secret = "s3cret" * 8
    with serving(settings | {"AUTOMATION_CURSOR_KEYS": f"one:{secret}"}, workers=2) as process:
        wait_for_line(process, "service started")
        children = {child.pid for child in children_of(process)}

        process.stop()
        (started,), written = lines_of(process, "service started"), process.errors.read_text()
        begun, ended = ({line["pid"] for line in lines_of(process, f"process {how}")} for how in ("started", "stopped"))

    assert (started["base_url"], started["processes"]) == (process.base_url, 2)
    assert {name: started[name] for name in release()} == release()
    assert started["settings"]["cursor_keys"] == "***"
    assert started["settings"]["database_url"] == mask(url)
    assert "pool_max" not in started["settings"]
    assert secret not in written
    assert begun == ended == children


def test_a_request_in_flight_is_finished(data_directories: Callable[[str], Path]) -> None:
    directory = data_directories("in-flight")
    settings = {"AUTOMATION_DATABASE_URL": "embedded", "AUTOMATION_DATA_DIR": str(directory)}
    with own_server(directory) as server, demonstrating(settings) as process, ThreadPoolExecutor(1) as pool:
        with frozen(server.postmaster_pid() or 0):
            waiting = pool.submit(get_completed_execution, process)
            time.sleep(0.5)
            process.popen.send_signal(signal.SIGTERM)
            time.sleep(0.5)

        answer = waiting.result(timeout=10)
        code = process.stop()

    assert answer.status_code == 200
    assert code == 0


def test_ctrl_c_stops_the_embedded_server_too_however_the_demo_was_started(
    data_directories: Callable[[str], Path],
) -> None:
    directory = data_directories("demo")
    try:
        with deaf(), demonstrating({"AUTOMATION_DATA_DIR": str(directory)}) as process:
            cluster = str((directory / "postgres").resolve())

            code = process.stop(signal.SIGINT)

        assert code == 0
        assert not [
            running.pid
            for running in psutil.process_iter(["name", "cmdline"])
            if cluster in (running.info["cmdline"] or [])
        ]
    finally:
        EmbeddedServer(directory).discard()
