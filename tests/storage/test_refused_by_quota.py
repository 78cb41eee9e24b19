"""Refusals by a limit: which limit says what, and when whoever has used up a day may come again."""

from datetime import UTC, datetime, tzinfo

import pytest

from automation.domain.errors import QuotaExceeded, TooManyExecutions
from automation.domain.limits import Limit
from automation.storage import quotas
from automation.storage.quotas import created_under, require_none_reached


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2026, 11, 29, tzinfo=UTC), "86400"),
        (datetime(2026, 11, 29, 12, 0, 0, 1, tzinfo=UTC), "43200"),
        (datetime(2026, 11, 29, 23, 59, 58, 500_000, tzinfo=UTC), "2"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "1"),
    ],
)
def test_beyond_a_days_executions_one_comes_again_when_the_day_of_utc_is_over(
    monkeypatch: pytest.MonkeyPatch, now: datetime, seconds: str
) -> None:
    class At(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            assert tz is UTC
            return now

    monkeypatch.setattr(quotas, "datetime", At)

    with pytest.raises(TooManyExecutions) as refused:
        require_none_reached("executions_per_day")

    assert refused.value.headers == {"Retry-After": seconds}


@pytest.mark.parametrize("name", ["max_rules", "max_rule_versions", "max_stored_bytes"])
def test_beyond_what_may_be_kept_the_limit_is_named(name: str) -> None:
    with pytest.raises(QuotaExceeded, match=f"its limit {name} allows") as refused:
        require_none_reached(name)

    assert refused.value.limit == name


@pytest.mark.parametrize("outcome", [None, "", "created", "max_pending", "max_answer_bytes"])
def test_what_names_no_such_limit_is_no_refusal(outcome: str | None) -> None:
    require_none_reached(outcome)


def test_executions_are_created_under_three_limits_of_which_some_may_not_be() -> None:
    assert created_under({Limit.MAX_PENDING: 5, Limit.MAX_RULES: 7}) == {
        "max_pending": 5,
        "executions_per_day": None,
        "max_stored_bytes": None,
    }
