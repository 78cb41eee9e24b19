"""Numbers that the documentation promises of hooks and of input schemas."""

import pytest

from automation.engine.triggers import schema_patterns, verification, waiting
from tests.promises import promised

SCHEMAS = "decisions/0052-input-schemas-have-a-known-cost.md"


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        ("triggers.md", "30 seconds at the most", waiting.SECONDS == 30),
        ("triggers.md", "where ten of the tenant wait already", waiting.MOST_OF_A_TENANT == 10),
        ("triggers.md", "what they send is taken for five minutes", verification.TOLERANCE_SECONDS == 300),
        (
            "decisions/0052-input-schemas-have-a-known-cost.md",
            "more than 20 classes",
            schema_patterns.MOST_CLASSES == 20,
        ),
        (SCHEMAS, "more than 4,096 characters", schema_patterns.LONGEST_PATTERNS == 4096),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
