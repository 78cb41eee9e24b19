"""Faults keep the service from starting: each is planted in a copy of the service, which is started."""

import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.databases import DatabaseUrls
from tests.system.processes import COMMAND, copy_service, environment, run_to_end

OPERATION = "    get:\n      operationId: getAutomationExecution\n"
PERMISSION = "      x-required-permission: automation:read\n"


def replace(old: str, new: str, *, file: str = "openapi.yaml") -> Callable[[Path], None]:
    """Return a fault: the first ``old`` in a file becomes ``new``."""

    def plant(copy: Path) -> None:
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new, 1))

    return plant


def remove(file: str) -> Callable[[Path], None]:
    """Return a fault: a file is missing."""

    def plant(copy: Path) -> None:
        (copy / file).unlink()

    return plant


def install_broken_action(copy: Path) -> None:
    """Plant a fault: a package is installed whose action can't be loaded."""
    information = copy / "dancing-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: dancing\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[automation.actions]\ndance = dancing:action\n")


FAULTS: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "not YAML": (replace("openapi: 3.0.3", "openapi: [3.0.3"), "line 3"),
    "not OpenAPI": (replace("info:\n", "information:\n"), "info"),
    "a version that is not supported": (replace("openapi: 3.0.3", "openapi: 3.1.0"), "3.0"),
    "a missing handler module": (remove("handlers/rules.py"), "handlers.rules"),
    "a missing handler": (
        replace("async def get_automation_rule(", "async def get_rule(", file="handlers/rules.py"),
        "get_automation_rule",
    ),
    "a handler that is not asynchronous": (
        replace("async def get_liveness(", "def get_liveness(", file="handlers/service.py"),
        "get_liveness",
    ),
    "a handler with a parameter that nothing provides": (
        replace(
            "async def get_automation_rule(", "async def get_automation_rule(weather: str, ", file="handlers/rules.py"
        ),
        "weather",
    ),
    "no operationId": (replace(OPERATION, "    get:\n"), "operationId"),
    "a duplicate operationId": (
        replace(OPERATION, "    get:\n      operationId: getAutomationRule\n"),
        "getAutomationRule",
    ),
    "no permission": (replace(PERMISSION, ""), "x-required-permission"),
    "an unknown permission": (
        replace(PERMISSION, "      x-required-permission: automation:dream\n"),
        "automation:dream",
    ),
    "a missing security function": (
        replace("security.authenticator.authenticate", "security.authenticator.absent"),
        "security.authenticator.absent",
    ),
    "an undeclared path parameter": (
        replace("/api/v1/automation/rules/{id}:", "/api/v1/automation/rules/{rule}:"),
        "rule",
    ),
    "a dangling link": (replace("operationId: getAutomationRule\n", "operationId: getNothing\n"), "getNothing"),
    "a wrong example": (replace("status: completed\n", "status: perfect\n"), "examples/completed"),
    "a format that is not enforced": (replace("format: date-time", "format: moon-phase"), "moon-phase"),
    "an unknown schema": (replace("schemas/AutomationRule'", "schemas/Nothing'"), "Nothing"),
    "a broken action": (install_broken_action, "action dance of dancing 1.0: dancing:action can't be loaded"),
    "a bad regular expression": (replace("'^[a-z][a-z0-9_]*$'", "'^[a-z'"), "pattern"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the service's files, to plant a fault in."""
    return copy_service(tmp_path)


def start(copy: Path, settings: Mapping[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    """Start a copy of the service, which is expected to end by itself."""
    return run_to_end(["serve", "--port", "0", *options], environment(settings), copy=copy)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_the_process_at_start_with_a_line_that_names_it(
    copy: Path, session_settings: dict[str, str], name: str
) -> None:
    plant, named = FAULTS[name]
    plant(copy)

    done = start(copy, session_settings)

    assert done.returncode not in (0, -9, -15)
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_ends_several_workers_too(copy: Path, session_settings: dict[str, str]) -> None:
    replace(PERMISSION, "")(copy)

    done = start(copy, session_settings, "--workers", "2")

    assert done.returncode != 0
    assert "x-required-permission" in done.stderr


def test_every_fault_has_its_own_line(copy: Path, session_settings: dict[str, str]) -> None:
    replace(PERMISSION, "")(copy)
    replace("operationId: getAutomationRule\n", "operationId: getNothing\n")(copy)

    lines = start(copy, session_settings).stderr.splitlines()

    assert len([line for line in lines if "x-required-permission" in line]) == 1
    assert len([line for line in lines if "getNothing" in line]) >= 1


def serve(settings: Mapping[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    """Start the service itself, which is expected to end by itself."""
    return subprocess.run(
        [COMMAND, "serve", "--port", "0", *options],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_database_it_says_what_to_set() -> None:
    done = serve({})

    assert done.returncode == 2
    assert "AUTOMATION_DATABASE_URL" in done.stderr


def test_a_database_that_is_not_there_is_told_in_one_line() -> None:
    done = serve({"AUTOMATION_DATABASE_URL": "postgresql://nobody:a-password@127.0.0.1:1/nothing"})

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "a-password" not in done.stderr


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_role_that_could_see_other_tenants_is_refused(database_urls: DatabaseUrls, role: str) -> None:
    done = serve({"AUTOMATION_DATABASE_URL": getattr(database_urls, role)})

    assert done.returncode == 1
    assert "role" in done.stderr


def test_a_port_that_is_taken_is_told_in_one_line(settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve(settings, "--port", str(taken.getsockname()[1]))

    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if "cannot listen" in line]) == 1
