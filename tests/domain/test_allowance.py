"""Allowances count down what was leased, and tell how much is left of a limit."""

from uuid import uuid4

import pytest

from automation.domain.allowance import Allowance, Lease, rate_limit_fields


def allowance(quota: int, name: str = "tenant") -> Allowance:
    return Allowance(uuid4(), name, name, quota)


def test_what_is_left_is_told_with_the_seconds_until_the_next_minute() -> None:
    ours = allowance(600)
    ours.receive(Lease(granted=9, remaining=591, seconds=60.0), sent=100.0)
    ours.left -= 2

    fields = rate_limit_fields([ours], now=130.5)

    assert fields == [(b"ratelimit-policy", b'"tenant";q=600;w=60'), (b"ratelimit", b'"tenant";r=598;t=30')]


def test_a_minute_that_is_over_leaves_everything() -> None:
    ours = allowance(600)
    ours.receive(Lease(granted=1, remaining=0, seconds=60.0), sent=100.0)

    fields = dict(rate_limit_fields([ours], now=160.0))

    assert fields[b"ratelimit"] == b'"tenant";r=600;t=60'


def test_two_limits_are_two_items() -> None:
    fields = dict(rate_limit_fields([allowance(600), allowance(60, "key")], now=1.0))

    assert fields == {
        b"ratelimit-policy": b'"tenant";q=600;w=60, "key";q=60;w=60',
        b"ratelimit": b'"tenant";r=600;t=60, "key";r=60;t=60',
    }


@pytest.mark.parametrize(("quota", "wanted"), [(1, 1), (60, 1), (600, 8), (600_000, 8)])
def test_the_first_lease_is_small(quota: int, wanted: int) -> None:
    assert allowance(quota).wanted(100.0) == wanted


def test_a_lease_grows_with_the_pace_up_to_a_64th_of_the_limit() -> None:
    busy, calm = allowance(6_400), allowance(6_400)
    for each in (busy, calm):
        each.receive(Lease(granted=20, remaining=6_380, seconds=60.0), sent=100.0)
        each.left = 0

    wanted = (busy.wanted(101.0), calm.wanted(104.0))

    assert wanted == (100, 50)


def test_another_limit_begins_anew() -> None:
    ours = allowance(600)
    ours.receive(Lease(granted=9, remaining=591, seconds=60.0), sent=100.0)

    ours.change(5)

    assert (ours.quota, ours.left, ours.policy) == (5, 0, b'"tenant";q=5;w=60')
