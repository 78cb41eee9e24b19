"""Numbers that the documentation promises of what the service does beside requests, and of what it answers."""

import pytest

from automation.service import bulk_rounds, problems, refusals
from tests.promises import promised

AUDIT = "decisions/0039-the-audit-log-goes-along.md"
MANY = "decisions/0045-many-executions-at-once.md"


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        (MANY, "200 executions in a transaction", bulk_rounds.MOST == 200),
        (MANY, "the process rests three times as long as it took", bulk_rounds.REST == 3),
        (
            AUDIT,
            "100 of one tenant and 1,000 of all at a time",
            (refusals.MOST_OF_A_TENANT, refusals.MOST) == (100, 1000),
        ),
        (MANY, "all left alone, for two seconds", bulk_rounds.INTERVAL == 2),
        (MANY, "where one takes more than a second", bulk_rounds.LONG == 1),
        ("decisions/0051-webhooks-come-without-a-key.md", "after 10 ms", problems.NOTHING_HERE_SECONDS == 0.01),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
