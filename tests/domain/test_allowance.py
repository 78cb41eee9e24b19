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


def test_a_limit_of_which_nothing_was_leased_is_told_whole_however_young_the_clock_is() -> None:
    ours = allowance(600)

    fields = dict(rate_limit_fields([ours], now=0.0))

    assert fields[b"ratelimit"] == b'"tenant";r=600;t=60'
    assert (ours.left, ours.remaining, ours.until, ours.refused_until) == (0, 0, 0.0, 0.0)


@pytest.mark.parametrize(("left", "told"), [(1.0, 1), (1.25, 2), (0.25, 1), (0.0, 60)])
def test_seconds_are_told_so_that_nobody_comes_back_too_early(left: float, told: int) -> None:
    ours = allowance(600)
    ours.receive(Lease(granted=1, remaining=0, seconds=60.0), sent=100.0)

    fields = dict(rate_limit_fields([ours], now=160.0 - left))

    assert fields[b"ratelimit"].endswith(b";t=%d" % told)


@pytest.mark.parametrize(
    ("seconds", "granted", "refused_until"),
    [(60.0, 0, 101.0), (0.5, 0, 100.5), (60.0, 1, 0.0)],
    ids=["asked again in a second", "or when the minute ends", "not refused"],
)
def test_a_refusal_holds_for_a_second_or_until_the_minute_ends(
    seconds: float, granted: int, refused_until: float
) -> None:
    ours = allowance(600)

    ours.receive(Lease(granted=granted, remaining=7, seconds=seconds), sent=100.0)

    assert (ours.refused_until, ours.until, ours.left, ours.remaining) == (refused_until, 100 + seconds, granted, 7)


def test_a_lease_that_is_used_up_at_once_is_followed_by_the_largest() -> None:
    ours = allowance(6_400)
    ours.receive(Lease(granted=20, remaining=6_380, seconds=60.0), sent=100.0)
    ours.left = 0

    assert ours.wanted(100.0) == 100


def test_what_nobody_asked_for_is_no_pace() -> None:
    ours = allowance(6_400)
    ours.receive(Lease(granted=60, remaining=6_340, seconds=60.0), sent=100.0)
    ours.left = 40

    assert ours.wanted(110.0) == 20


def test_another_limit_is_told_and_leased_by_what_it_is() -> None:
    ours = allowance(600)
    ours.receive(Lease(granted=0, remaining=0, seconds=60.0), sent=100.0)

    ours.change(6_400)

    fields = dict(rate_limit_fields([ours], now=101.0))
    assert fields[b"ratelimit"] == b'"tenant";r=6400;t=60'
    assert (ours.left, ours.remaining, ours.until, ours.refused_until) == (0, 0, 0.0, 0.0)
