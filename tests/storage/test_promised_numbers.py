"""Numbers that the documentation promises of what is stored, read at once and removed."""

import pytest

from automation.storage import answers, executions, key_changes, retention, trigger_data
from automation.storage.pool import batches
from automation.storage.runs import runs
from tests.promises import promised


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        ("decisions/0013-reads-in-batches.md", "two statements of at most 32 reads", batches.STATEMENTS == 2),
        ("decisions/0013-reads-in-batches.md", "two statements of at most 32 reads", batches.SIZE == 32),
        ("decisions/0023-one-seam-for-repeated-writes.md", "A body over 1 MiB", answers.LARGEST_BODY == 2**20),
        ("decisions/0030-large-executions.md", "more than 160 KiB", executions.MOST_BESIDE_OTHERS == 160 * 2**10),
        ("decisions/0030-large-executions.md", "data 1.25 MiB", trigger_data.LARGEST == 1.25 * 2**20),
        ("decisions/0030-large-executions.md", "the error 4,000 characters", runs.LONGEST_MESSAGE == 4000),
        ("decisions/0030-large-executions.md", "and its stack 8,000", runs.LONGEST_STACK == 8000),
        ("decisions/0057-keys-stay-known.md", "every 0.25 s", key_changes.BEAT == 0.25),
        ("operating.md", "a batch of 200 of each tenant", retention.LIMIT == 200),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
