"""Redaction that can't be done, or not any more: then nothing is told, and where nothing is secret all is."""

import pytest

from automation.engine.runs.redaction import MOST_STEPS, WITHHELD, Redaction, TooLong, within

SECRET = "a value that is secret"


def redaction(*secrets: str) -> Redaction:
    made = Redaction()
    made.learn(secrets)
    return made


@pytest.mark.parametrize("times", [1, 2])
def test_once_secrets_are_forgotten_nothing_is_told(times: int) -> None:
    closed = redaction(SECRET)

    for _ in range(times):
        closed.close(within(MOST_STEPS))

    assert closed.text(f"tells {SECRET}") == WITHHELD
    assert closed.text("tells nothing") == WITHHELD
    for value in ({"tells": SECRET}, {"tells": "nothing"}, 1):
        with pytest.raises(TooLong):
            closed.value(value)
    assert not closed._needles


def test_where_nothing_was_secret_all_is_told_before_and_after() -> None:
    known = redaction()
    value = {"tells": "nothing"}

    before = (known.text("a text"), known.value(value))
    known.close(within(MOST_STEPS))

    assert before == (known.text("a text"), known.value(value)) == ("a text", value)


def test_what_cannot_be_searched_within_the_bound_is_not_told() -> None:
    known = redaction(SECRET)

    assert known.text("x" * 100_000, within(3)) == WITHHELD
    with pytest.raises(TooLong):
        known.value({"tells": ["x" * 100_000]}, within(3))
    assert known.text("x" * 100_000) == "x" * 100_000


@pytest.mark.parametrize(("value", "told"), [(1234567890, "***"), (12345678.5, 12345678.5), (True, True), (None, None)])
def test_a_number_that_is_secret_is_not_told(value: object, told: object) -> None:
    assert redaction("1234567890").value({"tells": [value]}) == {"tells": [told]}
