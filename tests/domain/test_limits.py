"""Limits are known in one register, and what people write of them is checked against it."""

import re
from pathlib import Path

import pytest

from automation.domain.errors import AutomationError, all_errors
from automation.domain.limits import DEFAULTS, Limit, LimitInUse, limits_in_use, read_defaults, read_limit

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"
MOST = {
    Limit.WEIGHT: 100,
    Limit.MAX_SECRETS: 10_000,
    Limit.MAX_STORED_BYTES: 10**15,
    Limit.MAX_ANSWER_BYTES: 10**15,
}
"""The greatest values of those that can't be a thousand million."""


@pytest.mark.parametrize("limit", Limit, ids=str)
def test_a_default_is_within_its_own_bounds(limit: Limit) -> None:
    bounds = limit.value

    assert bounds.default is None or bounds.least <= bounds.default <= bounds.most


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
def test_an_error_whose_text_names_a_limit_names_it_for_programs_too(error: type[AutomationError]) -> None:
    named = {str(limit) for limit in Limit if str(limit) in error.default}

    assert named <= {error.limit}


def test_a_limit_is_read_with_its_value() -> None:
    assert read_limit(" max_pending = 500 ") == (Limit.MAX_PENDING, 500)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_pendings=5", "'max_pendings' is none of weight, max_running"),
        ("max_pending", "max_pending must be a number from 1 to 1000000000"),
        ("max_pending=0", "from 1 to"),
        ("max_pending=-5", "from 1 to"),
        ("max_pending=1e3", "from 1 to"),
        ("max_pending=\u0665", "from 1 to"),
        ("weight=101", "weight must be a number from 1 to 100"),
    ],
)
def test_what_sets_no_limit_is_refused_with_a_sentence(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_limit(text)


def test_the_defaults_are_those_of_the_register_but_for_what_is_given() -> None:
    limits = read_defaults(["max_running=7", "max_pending=3"])

    assert limits == {**DEFAULTS, Limit.MAX_RUNNING: 7, Limit.MAX_PENDING: 3}


def test_a_weight_for_all_would_say_nothing() -> None:
    with pytest.raises(ValueError, match="weight can't be changed for all"):
        read_defaults(["weight=20"])


def test_the_guide_to_operating_tells_each_limit_with_its_default() -> None:
    section = GUIDE.read_text().partition("## Limits of tenants")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| ([\w,]+) \|", section, re.MULTILINE))

    assert told == {
        str(limit): "none" if limit.value.default is None else f"{limit.value.default:,}" for limit in Limit
    }


@pytest.mark.parametrize("limit", Limit, ids=str)
def test_a_limit_is_one_at_least_and_as_much_as_may_be_at_the_most(limit: Limit) -> None:
    most = MOST.get(limit, 1_000_000_000)

    assert [read_limit(f"{limit}={value}") for value in (1, most)] == [(limit, 1), (limit, most)]
    for value in (0, most + 1):
        with pytest.raises(ValueError, match=f"^{limit} must be a number from 1 to {most}$"):
            read_limit(f"{limit}={value}")


def test_every_limit_is_told_with_its_value_whose_that_is_and_what_is_used() -> None:
    told = limits_in_use(
        [("max_rules", 3, None), ("max_running", 0, 7), ("weight", None, 20)], {Limit.MAX_RULES: 10, Limit.WEIGHT: 10}
    )

    assert [each.limit for each in told] == list(Limit)
    assert [each for each in told if each.value is not None or each.used is not None] == [
        LimitInUse(Limit.WEIGHT, 20, own=True, used=None),
        LimitInUse(Limit.MAX_RUNNING, 7, own=True, used=0),
        LimitInUse(Limit.MAX_RULES, 10, own=False, used=3),
    ]
    assert LimitInUse(Limit.MAX_SECRETS, None, own=False, used=None) in told
