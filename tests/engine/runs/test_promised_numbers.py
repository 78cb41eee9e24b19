"""Numbers that the documentation promises of leases, heartbeats and retention."""

import pytest

from automation.engine.runs import heartbeat, lease, retention
from tests.promises import promised


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        ("operating.md", "every ten minutes", retention.INTERVAL == 600),
        ("operating.md", "rest three times", retention.REST == 3),
        ("decisions/0009-our-own-claims.md", "renews its lease every second", heartbeat.BEAT == 1),
        ("decisions/0018-what-a-cancel-promises.md", "two thirds of a", lease.CERTAIN_SHARE == 2 / 3),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
