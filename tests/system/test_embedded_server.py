"""An embedded server that is killed under a process of the service: said once, and started again or given up."""

import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.plain_http import PLAIN
from tests.system.processes import Process, running, serving, wait_for_line

ENDED = "the embedded PostgreSQL ended: starting it again"
RUNS = "the embedded PostgreSQL runs again"


@pytest.fixture
def settings(embedded_directory: Path) -> dict[str, str]:
    """The settings of an operator who uses the embedded server; nothing of it is left afterwards."""
    return {"AUTOMATION_DATABASE_URL": "embedded", "AUTOMATION_DATA_DIR": str(embedded_directory)}


def cluster_of(settings: dict[str, str]) -> Path:
    """Return where PostgreSQL's files are."""
    return Path(settings["AUTOMATION_DATA_DIR"], "postgres", "data")


def kill_server(settings: dict[str, str]) -> int:
    """Kill PostgreSQL's main process, and return which that was."""
    pid = int((cluster_of(settings) / "postmaster.pid").read_text().splitlines()[0])
    psutil.Process(pid).kill()
    return pid


def is_ready(process: Process) -> bool:
    """Say whether a service is ready for requests."""
    return httpx.get(f"{process.base_url}/readyz", **PLAIN, timeout=30).status_code == httpx.codes.OK


def lines_of(process: Process, *events: str) -> list[tuple[str, int]]:
    """Return the events among the log lines, with the process each is about."""
    return [(line["event"], line["process"]) for line in process.log_lines() if line["event"] in events]


def test_a_service_starts_its_killed_server_again_and_says_so_once(settings: dict[str, str]) -> None:
    with serving(settings) as process:
        killed = kill_server(settings)
        wait_for_line(process, RUNS)
        deadline = time.monotonic() + 10
        while not is_ready(process):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        said = lines_of(process, ENDED, RUNS)
        code = process.stop()

    assert [event for event, _ in said] == [ENDED, RUNS]
    assert said[0][1] == killed != said[1][1]
    assert code == 0


def test_a_worker_starts_its_killed_server_again_and_says_so_once(settings: dict[str, str]) -> None:
    with running(["worker"], settings) as process:
        wait_for_line(process, "worker started")
        killed = kill_server(settings)
        wait_for_line(process, RUNS)
        said = lines_of(process, ENDED, RUNS)
        code = process.stop()

    assert [event for event, _ in said] == [ENDED, RUNS]
    assert said[0][1] == killed
    assert code == 0


@pytest.mark.parametrize("command", ["serve", "worker", "demo"])
def test_a_process_whose_server_can_not_be_started_again_ends_with_one_line(
    settings: dict[str, str], command: str
) -> None:
    port = [] if command == "worker" else ["--port", "0"]
    with running([command, *port, "--json"], settings) as process:
        while not process.output.read_text().endswith("}\n"):
            assert process.popen.poll() is None
            time.sleep(0.05)
        with (cluster_of(settings) / "postgresql.conf").open("a") as configuration:
            configuration.write("no_such_setting = 1\n")
        kill_server(settings)

        code = process.popen.wait(60)
        begun = ("{", "  ", "automation: making an empty database")
        plain = [line for line in process.errors.read_text().splitlines() if not line.startswith(begun)]

    assert code == 1
    assert len(plain) == 1
    assert plain[0].startswith("automation: The embedded PostgreSQL ended and can't be started again: ")
    assert "no_such_setting" in plain[0]
