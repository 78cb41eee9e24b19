"""Stopping: what is in flight is finished, and nothing is left running."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from automation.storage.embedded import EmbeddedServer
from tests.signals import deaf
from tests.system.processes import demonstrating, frozen, get_completed_execution, own_server, serving


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_stops_the_server_in_order(settings: dict[str, str], number: signal.Signals, workers: int) -> None:
    with serving(settings, workers=workers) as process:
        children = psutil.Process(process.popen.pid).children(recursive=True)

        code = process.stop(number)

    assert code == 0
    _, left = psutil.wait_procs(children, timeout=5)
    assert not left


def test_a_request_in_flight_is_finished(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("in-flight")
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
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("demo")
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
