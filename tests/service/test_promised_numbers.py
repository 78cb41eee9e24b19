"""Numbers that the documentation promises of what the service does beside requests, and of what it answers."""

import pytest

from automation.service import bulk_rounds, problems
from tests.promises import promised

MANY = "decisions/0045-many-executions-at-once.md"


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        (MANY, "all left alone, for two seconds", bulk_rounds.INTERVAL == 2),
        (MANY, "where one takes more than a second", bulk_rounds.LONG == 1),
        ("decisions/0051-webhooks-come-without-a-key.md", "after 10 ms", problems.NOTHING_HERE_SECONDS == 0.01),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
