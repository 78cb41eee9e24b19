"""``automation worker`` as a process: what keeps it from starting, and how it stops."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.commands.terminal import assert_refused, run
from tests.databases import Cluster, DatabaseUrls
from tests.ports import free_port
from tests.system.processes import COMMAND, demonstrating, environment, running, wait_for_line


def test_without_a_database_it_says_what_to_set(settings: dict[str, str]) -> None:
    only_the_api = {"AUTOMATION_DATABASE_URL": settings["AUTOMATION_DATABASE_URL"]}

    assert_refused(run("worker"), "AUTOMATION_WORKER_URL", "embedded")
    assert_refused(run("worker", settings=only_the_api), "AUTOMATION_WORKER_URL")


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_role_that_could_see_other_tenants_is_refused(database_urls: DatabaseUrls, role: str) -> None:
    done = run("worker", settings={"AUTOMATION_WORKER_URL": getattr(database_urls, role)})

    assert_refused(done, "AUTOMATION_WORKER_URL", "row-level security", code=1)


def test_the_role_of_the_api_is_refused(database_urls: DatabaseUrls) -> None:
    done = run("worker", settings={"AUTOMATION_WORKER_URL": database_urls.api})

    assert_refused(done, "AUTOMATION_WORKER_URL", "automation_worker", code=1)


def test_a_database_that_is_not_there_is_told_in_one_line() -> None:
    url = f"postgresql://worker@127.0.0.1:{free_port()}/automation"

    assert_refused(run("worker", settings={"AUTOMATION_WORKER_URL": url}), "AUTOMATION_WORKER_URL", code=1)


def test_a_schema_that_is_not_current_is_told_in_one_line(cluster: Cluster) -> None:
    with cluster.database(migrated=False) as urls:
        done = run("worker", settings={"AUTOMATION_WORKER_URL": urls.worker})

    assert_refused(done, "migrations", code=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(settings: dict[str, str], number: signal.Signals) -> None:
    with running(["worker"], settings) as process:
        wait_for_line(process, "worker started")

        code = process.stop(number)
        events = [line["event"] for line in process.log_lines()]

    assert code == 0
    assert events == ["worker started", "worker stopping", "worker stopped"]


def test_it_runs_on_the_embedded_database(embedded_directory: Path) -> None:
    settings = {"AUTOMATION_DATABASE_URL": "embedded", "AUTOMATION_DATA_DIR": str(embedded_directory)}

    with running(["worker"], settings) as process:
        wait_for_line(process, "worker started")
        code = process.stop()

    assert code == 0


def test_it_can_end_with_its_standard_input(settings: dict[str, str]) -> None:
    command = [str(COMMAND), "worker", "--until-stdin-closes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(settings)
    ) as process:
        assert process.stdin is not None
        process.stdin.close()

        code = process.wait(20)

    assert code == 0


def test_the_demos_worker_ends_with_a_demo_that_is_killed(settings: dict[str, str]) -> None:
    with demonstrating(settings) as demo:
        workers = psutil.Process(demo.popen.pid).children(recursive=True)

        demo.popen.kill()
        demo.popen.wait()
        gone, alive = psutil.wait_procs(workers, timeout=20)

    assert len(gone) >= 1
    assert alive == []


def test_the_demos_worker_ends_with_its_demo(settings: dict[str, str]) -> None:
    with demonstrating(settings) as demo:
        workers = psutil.Process(demo.popen.pid).children(recursive=True)
        began = time.monotonic()

        code = demo.stop(signal.SIGINT)

    assert code == 0
    assert time.monotonic() - began < 10
    assert not [worker for worker in workers if worker.is_running()]


def test_the_demos_worker_is_started_again_when_it_is_killed_and_that_is_said_once(settings: dict[str, str]) -> None:
    with demonstrating(settings) as demo:
        (killed,) = psutil.Process(demo.popen.pid).children()
        killed.kill()
        deadline = time.monotonic() + 60
        while len([line for line in demo.log_lines() if line["event"] == "worker started"]) < 2:
            assert time.monotonic() < deadline, demo.errors.read_text()
            time.sleep(0.1)
        said = [line for line in demo.log_lines() if "the demo's worker ended" in line["event"]]
        workers = psutil.Process(demo.popen.pid).children()
        code = demo.stop(signal.SIGINT)

    assert [(line["event"], line["exit_code"]) for line in said] == [("the demo's worker ended: starting it again", -9)]
    assert len(workers) == 1
    assert code == 0
    assert not [worker for worker in workers if worker.is_running()]
