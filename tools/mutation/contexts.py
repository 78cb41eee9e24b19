"""Notes which test runs which line, as a plugin of pytest: ``-p tools.mutation.contexts``.

What is noted goes to the directory that ``AUTOMATION_COVERING`` names: the lines by coverage.py, with the test's name
as its context, and beside them how long each test took, in seconds. In every process of pytest-xdist alike.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import coverage
import pytest

_PLACE = Path(os.environ["AUTOMATION_COVERING"])
_PROCESS = uuid4().hex
_COVERAGE = coverage.Coverage(
    data_file=str(_PLACE / f"lines.{_PROCESS}"), source=["automation", "handlers", "security"], config_file=False
)
_took: dict[str, float] = {}

# From here on: what is imported later runs its first lines then.
_COVERAGE.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note the lines that run with a test and its fixtures as its own."""
    _COVERAGE.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        _COVERAGE.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up how long the parts of a test took."""
    _took[report.nodeid] = _took.get(report.nodeid, 0.0) + report.duration


def pytest_unconfigure() -> None:
    """Write down what was noted."""
    _COVERAGE.stop()
    _COVERAGE.save()
    (_PLACE / f"took.{_PROCESS}.json").write_text(json.dumps(_took))
