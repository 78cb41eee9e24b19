"""Limits are known in one register, and what people write of them is checked against it."""

import pytest

from automation.domain.errors import AutomationError, all_errors
from automation.domain.limits import DEFAULTS, Limit, read_defaults, read_limit


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
