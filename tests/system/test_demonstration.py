"""The demo's executions come from real runs, and its first screen is short; a second start keeps them."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.storage.embedded import EmbeddedServer
from tests.system.processes import START_TIMEOUT, demonstrating, get_completed_execution, running

COLUMNS = 80
LINES = 15


def screen(directory: Path) -> tuple[list[str], list[str]]:
    """Start the demo and stop it again; return the lines that it wrote to standard error and to standard output."""
    with running(["demo", "--port", "0"], {"AUTOMATION_DATA_DIR": str(directory)}) as process:
        deadline = time.monotonic() + START_TIMEOUT
        while "Log of the service" not in process.output.read_text():
            assert process.popen.poll() is None, process.errors.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        code = process.stop()
        shown = process.errors.read_text().splitlines(), process.output.read_text().splitlines()
    assert code == 0
    return shown


def height(lines: list[str]) -> int:
    """Return how many lines of a terminal the lines take."""
    return sum(max(1, math.ceil(len(line) / COLUMNS)) for line in lines)


def test_a_demo_that_was_stopped_before_it_wrote_its_runs_down_starts_again(settings: dict[str, str]) -> None:
    with demonstrating(settings) as first:
        pass
    Path(settings["AUTOMATION_DATA_DIR"], "demo.json").unlink()

    with demonstrating(settings) as second:
        status = get_completed_execution(second).status_code

    assert status == 200
    assert second.demo["executions"].keys() == first.demo["executions"].keys()


def test_a_second_start_keeps_what_the_first_one_ran(embedded_directory: Path) -> None:
    settings = {"AUTOMATION_DATA_DIR": str(embedded_directory)}

    with demonstrating(settings) as first:
        pass
    with demonstrating(settings) as second:
        pass

    assert second.demo["executions"] == first.demo["executions"]
    assert second.demo["keys"] == first.demo["keys"]


@pytest.fixture
def short_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose path takes no more of a terminal than an operator's, deleted with its server."""
    path = tmp_path_factory.mktemp("data")
    yield path
    EmbeddedServer(path).discard()


def test_its_first_screen_is_its_steps_with_their_times_and_the_greeting(short_directory: Path) -> None:
    for first_step in ("Creating the database", "Starting the database"):
        steps, greeting = screen(short_directory)

        assert steps[0].split("  ")[1] == first_step
        assert all(step.endswith(" s") for step in steps), steps
        assert height([*steps, *greeting]) <= LINES
        assert str(short_directory / "demo.log") in greeting[-1]
    assert '"operation":"executeAutomationRule"' in (short_directory / "demo.log").read_text()
    assert "worker started" in (short_directory / "demo.log").read_text()
