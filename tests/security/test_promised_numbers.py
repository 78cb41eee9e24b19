"""Numbers that decisions promise: what is remembered of callers, for how long, and how much of it."""

import pytest

from automation.domain import allowance
from security import freshness, key_cache, key_format, key_usage, rate_limits, refused_keys
from tests.promises import promised


@pytest.mark.parametrize(
    ("decision", "promise", "kept"),
    [
        ("0057-keys-stay-known.md", "until *t* + 0.9 s", freshness.GOOD_FOR == 0.9),
        ("0057-keys-stay-known.md", "4,096 places", freshness.PLACES == 4096),
        ("0057-keys-stay-known.md", "100,000 keys are remembered", key_cache.CAPACITY == 100_000),
        ("0057-keys-stay-known.md", "Ten minutes are the most", key_cache.LONGEST == 600),
        ("0057-keys-stay-known.md", "of as many keys their last use", key_usage.CAPACITY == 100_000),
        ("0046-requests-are-leased.md", "200,000 limits are known", rate_limits.CAPACITY == 200_000),
        ("0046-requests-are-leased.md", "10,000 addresses", refused_keys.CAPACITY == 10_000),
        ("0046-requests-are-leased.md", "64 a second at the most", refused_keys.MOST_HELD == 64),
        ("0046-requests-are-leased.md", "64 a second at the most", refused_keys.HELD_SECONDS == 1),
        ("0046-requests-are-leased.md", "ten seconds at its pace", allowance._AHEAD_SECONDS == 10),
        ("0046-requests-are-leased.md", "at most a 64th of the limit", allowance._SHARE == 64),
    ],
)
def test_a_number_is_what_the_decision_says(decision: str, promise: str, *, kept: bool) -> None:
    assert promised(f"decisions/{decision}", promise)
    assert kept


def test_a_key_has_256_random_bits() -> None:
    assert key_format._RANDOM_BYTES * 8 == 256
