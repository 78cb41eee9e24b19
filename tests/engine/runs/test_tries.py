"""A run rests before it tries again."""

from automation.engine.runs.tries import LONGEST_BACKOFF, backoff


def test_the_rest_before_a_try_grows_and_is_bounded() -> None:
    longest = [max(backoff(failed) for _ in range(500)) for failed in (1, 2, 3, 20)]

    assert longest[0] <= 0.5 < longest[1] <= 1.0 < longest[2] <= 2.0
    assert 20 < longest[3] <= LONGEST_BACKOFF


def test_the_rest_is_spread_so_that_many_do_not_come_back_at_once() -> None:
    rests = [backoff(4) for _ in range(500)]

    assert min(rests) < 0.5
    assert max(rests) > 3.5
