"""Numbers that the documentation promises of what is stored, read at once and removed."""

from datetime import timedelta

import pytest

from automation.storage import (
    answers,
    attempt_pages,
    bulk_changes,
    bulk_operations,
    bulk_work,
    executions,
    key_changes,
    page_reading,
    retention,
    trigger_data,
    walks,
)
from automation.storage.pool import batches
from automation.storage.runs import group_commit, runs
from tests.promises import promised


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        ("decisions/0013-reads-in-batches.md", "two statements of at most 32 reads", batches.STATEMENTS == 2),
        ("decisions/0013-reads-in-batches.md", "two statements of at most 32 reads", batches.SIZE == 32),
        ("decisions/0013-reads-in-batches.md", "for 20 ms at the most", batches.PATIENCE == 0.02),
        ("decisions/0023-one-seam-for-repeated-writes.md", "A body over 1 MiB", answers.LARGEST_BODY == 2**20),
        ("decisions/0030-large-executions.md", "more than 160 KiB", executions.MOST_BESIDE_OTHERS == 160 * 2**10),
        ("decisions/0030-large-executions.md", "data 1.25 MiB", trigger_data.LARGEST == 1.25 * 2**20),
        ("decisions/0030-large-executions.md", "the error 4,000 characters", runs.LONGEST_MESSAGE == 4000),
        ("decisions/0030-large-executions.md", "and its stack 8,000", runs.LONGEST_STACK == 8000),
        ("decisions/0057-keys-stay-known.md", "every 0.25 s", key_changes.BEAT == 0.25),
        ("operating.md", "a batch of 200 of each tenant", retention.LIMIT == 200),
        ("finding-executions.md", "one request looks through some 10,000 executions", walks.BUDGET == 10_000),
        ("finding-executions.md", "takes no longer than 200 ms", page_reading.PATIENCE == 0.2),
        ("finding-executions.md", "the oldest 1,000, or of as many", bulk_changes.MOST == 1000),
        ("finding-executions.md", "of as many of them as take two seconds", bulk_changes.LONGEST == 2),
        ("finding-executions.md", "A tenant has three of them at a time", bulk_operations.MOST_OPEN == 3),
        (
            "decisions/0045-many-executions-at-once.md",
            "After a day an operation ends",
            timedelta(days=1) == bulk_work.LONGEST,
        ),
        ("decisions/0030-large-executions.md", "stacks on it come to 1 MiB", attempt_pages.LARGEST_PAGE == 2**20),
        ("decisions/0041-retention-in-batches.md", "come to 2,000 rows", retention.MOST_ROWS == 2000),
        ("decisions/0059-an-engine-that-batches.md", "after 5 ms at the latest", group_commit.PATIENCE == 0.005),
        ("decisions/0059-an-engine-that-batches.md", "stores more than 64 KiB", group_commit.LARGE == 64 * 2**10),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
