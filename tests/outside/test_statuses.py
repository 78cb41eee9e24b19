"""Every status that the contract documents was answered somewhere in this run, and no other: so the request logs say.

This is the last test (see ``conftest.py``): it judges all processes of the service that the others have started.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system import journal
from tests.system.journal import Journal

pytestmark = pytest.mark.timeout(1900)

PATIENCE_SECONDS = 10
OTHERS_SECONDS = 1800
"""How long the other workers of the run may be at their last tests."""


@pytest.fixture
def seen(logs: Path, left_out: list[str], others: Callable[[], int]) -> Journal:
    """What the service answered; a line may be written a moment after its client has the answer."""
    if left_out:
        pytest.fail(f"This judges a whole run of tests/outside, and this one left out: {', '.join(left_out)}")
    deadline = time.monotonic() + OTHERS_SECONDS
    while others() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert others() == 0, "tests of this run were never done, so that nothing can be said of all of it"
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
