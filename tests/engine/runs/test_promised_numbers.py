"""Numbers that the documentation promises of leases, heartbeats, retention and statistics."""

import pytest

from automation.engine.runs import folding, heartbeat, lease, results, retention, ticker, worker
from tests.promises import promised


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        ("operating.md", "every ten minutes", retention.INTERVAL == 600),
        ("operating.md", "grace period ten seconds more", 2 * worker.HAND_BACK_SECONDS == 10),
        ("operating.md", "rest three times", retention.REST == 3),
        ("decisions/0009-our-own-claims.md", "renews its lease every second", heartbeat.BEAT == 1),
        ("decisions/0018-what-a-cancel-promises.md", "two thirds of a", lease.CERTAIN_SHARE == 2 / 3),
        ("decisions/0044-statistics-are-rolled-up.md", "tries every two seconds to count", folding.INTERVAL == 2),
        ("decisions/0044-statistics-are-rolled-up.md", "5,000 at a time", folding.LIMIT == 5000),
        ("decisions/0030-large-executions.md", "256 bytes are kept for each action", results.RESERVED == 256),
        ("decisions/0056-schedules-are-worked-out-in-python.md", "due within half a second", ticker.INTERVAL == 0.5),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
