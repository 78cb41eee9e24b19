"""``automation contract check``: what the start-up would refuse, all of it at once."""

import json
from pathlib import Path

import pytest

from automation.contract.document.document import default_path
from tests.commands.terminal import call, document, run


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A contract with three faults that have nothing to do with each other."""
    text = default_path().read_text()
    for old, new in (
        ("    get:\n      operationId: getAutomationExecution\n", "    get:\n      operationId: getNothingAtAll\n"),
        ("      x-required-permission: automation:read\n", "      x-required-permission: automation:dream\n"),
        ("format: date-time", "format: moon-phase"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    return path


def test_the_shipped_contract_is_right() -> None:
    checked = document("contract", "check")

    assert (checked["valid"], checked["findings"]) == (True, [])


@pytest.mark.process
def test_every_fault_of_a_file_has_a_line(broken: Path) -> None:
    done = run("contract", "check", broken)

    assert done.code == 1
    for fault in ("get_nothing_at_all", "automation:dream", "moon-phase"):
        assert [line for line in done.output.splitlines() if fault in line], done.output
    assert "Traceback" not in done.errors
    *findings, count = done.output.splitlines()
    assert count == f"{broken}: {len(findings)} findings."
    lines = broken.read_text().splitlines()
    for finding, begin in (("automation:dream", "get:"), ("moon-phase", "")):
        place = next(line for line in findings if finding in line).removeprefix(f"{broken}:").split(": ")[0]
        line, column = map(int, place.split(":"))
        assert lines[line - 1][column - 1 :].startswith(begin)
        assert not lines[line - 1][: column - 1].strip(" -")


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n"])
def test_an_empty_file_is_called_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)

    done = call("contract", "check", path)

    assert (done.code, done.errors) == (1, "")
    assert done.output.splitlines() == [f"{path}:1:1: is empty", f"{path}: 1 finding."]


@pytest.mark.process
def test_scripts_get_the_faults_as_one_document(broken: Path) -> None:
    done = run("contract", "check", broken, "--json")

    assert done.code == 1
    checked = json.loads(done.output)
    assert (checked["file"], checked["valid"]) == (str(broken), False)
    assert all(set(finding) == {"where", "message", "line", "column"} for finding in checked["findings"])


@pytest.mark.process
@pytest.mark.parametrize("text", ["", "- a list", "openapi: [3", "openapi: 3.0.3\nopenapi: 3.0.3", "\x00"])
def test_a_file_that_is_no_contract_is_a_finding(tmp_path: Path, text: str) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)

    done = run("contract", "check", path)

    assert (done.code, done.errors) == (1, "")
    assert done.output.strip()
