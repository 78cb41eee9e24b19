"""Numbers that the documentation promises of hooks, events, schedules and input schemas."""

from datetime import timedelta

import pytest

from automation.engine.triggers import (
    event,
    input_schema,
    schedule,
    schema_patterns,
    schema_weight,
    verification,
    waiting,
)
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
        (SCHEMAS, "1 MiB together", schema_patterns.LARGEST_PATTERNS == 2**20),
        (SCHEMAS, "Above 10,000 it is refused", schema_weight.MOST == 10_000),
        (SCHEMAS, "data beyond 500,000 of these are refused", input_schema.MAX_COST == 500_000),
        ("triggers.md", "more than ten seconds late", timedelta(seconds=10) == schedule.LATE),
        (
            "decisions/0056-schedules-are-worked-out-in-python.md",
            "The last hundred times",
            schedule.MOST_CAUGHT_UP == 100,
        ),
        ("../openapi.yaml", "An event has 64 KiB at the most", event.LARGEST == 64 * 2**10),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
