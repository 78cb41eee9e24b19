"""The judge of the request logs finds what is missing in them, and what shouldn't be there."""

import json
from pathlib import Path

import pytest

from tests.system import journal
from tests.system.journal import DOCUMENTED, Journal
from tests.system.processes import KEPT_LOGS, running

COMPLETE = Journal(frozenset(DOCUMENTED))


def write_log(path: Path, *answers: tuple[str | None, int | None]) -> None:
    lines = [{"event": "request", "operation": operation, "status": status} for operation, status in answers]
    noise = ["starting", json.dumps({"event": "started", "status": 7}), '{"event": "request", "operation": "cut o']
    path.write_text("\n".join([noise[0], noise[1], *map(json.dumps, lines), noise[2]]))


def test_all_that_is_documented_and_nothing_else_is_right() -> None:
    assert (COMPLETE.missing(), COMPLETE.undocumented()) == ([], [])


def test_what_was_never_seen_is_named() -> None:
    seen = Journal(COMPLETE.answers - {("getAutomationRule", 304), ("getReadiness", 503)})

    assert seen.missing() == [
        "getAutomationRule was never seen to answer 304",
        "getReadiness was never seen to answer 503",
    ]
    assert seen.undocumented() == []


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (("getLiveness", 503), "getLiveness answered 503, which is not documented"),
        (("getLiveness", None), "getLiveness answered None, which is not documented"),
        ((None, 500), "None answered 500, which is not documented"),
    ],
)
def test_what_should_not_be_there_is_named(answer: tuple[str | None, int | None], line: str) -> None:
    seen = Journal(COMPLETE.answers | {answer})

    assert seen.undocumented() == [line]
    assert seen.missing() == []


def test_refusals_before_any_operation_are_expected() -> None:
    seen = Journal(COMPLETE.answers | {(None, 404), (None, 405)})

    assert seen.undocumented() == []


def test_the_logs_of_all_processes_are_read(tmp_path: Path) -> None:
    write_log(tmp_path / "one.log", ("getLiveness", 200), (None, 404))
    write_log(tmp_path / "other.log", ("getLiveness", 200), ("getReadiness", 503))

    assert journal.read(tmp_path).answers == {("getLiveness", 200), ("getReadiness", 503), (None, 404)}


def test_the_log_of_a_process_stays_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEPT_LOGS, str(tmp_path))

    with running(["serve"], {}) as process:
        process.popen.wait()

    (log,) = tmp_path.iterdir()
    assert "AUTOMATION_DATABASE_URL" in log.read_text()
