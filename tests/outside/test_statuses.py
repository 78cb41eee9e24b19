"""Every status that the contract documents was answered somewhere in this run, and no other: so the request logs say.

This is the last test (see ``conftest.py``): it judges all processes of the service that the others have started.
"""

import time
from pathlib import Path

import pytest

from tests.system import journal
from tests.system.journal import Journal

PATIENCE_SECONDS = 10


@pytest.fixture
def seen(logs: Path, left_out: list[str]) -> Journal:
    """What the service answered; a line may be written a moment after its client has the answer."""
    if left_out:
        pytest.fail(f"This judges a whole run of tests/outside, and this one left out: {', '.join(left_out)}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while journal.read(logs).missing() and time.monotonic() < deadline:
        time.sleep(0.5)
    return journal.read(logs)


def test_every_documented_status_of_every_operation_was_seen(seen: Journal) -> None:
    missing = seen.missing()

    assert not missing, "\n".join(missing)


def test_no_undocumented_status_was_seen(seen: Journal) -> None:
    undocumented = seen.undocumented()

    assert not undocumented, "\n".join(undocumented)
