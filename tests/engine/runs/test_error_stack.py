"""An execution tells where its error came from, and no values."""

from automation.engine.actions import ActionFailed, ActionTimedOut
from automation.engine.runs.error_stack import describe


def test_a_try_is_told_by_its_action_and_its_message() -> None:
    failure = ActionTimedOut("example.com did not answer in time", definite=False)

    told = describe(failure, index=1, action="webhook_call", number=2)

    assert told == "action 1 (webhook_call), try 2: ActionTimedOut: example.com did not answer in time"


def test_a_foreign_error_is_told_by_its_type_and_place_and_not_its_message() -> None:
    told = describe(_failure(), index=0, action="shout", number=1)

    assert "caused by builtins.ValueError" in told
    assert "at _raise (test_error_stack.py:" in told
    assert "s3cret" not in told


def _failure() -> ActionFailed:
    failure = ActionFailed("shout ended with ValueError", definite=False, retryable=True)
    try:
        _raise()
    except ValueError as error:
        failure.__cause__ = error
    return failure


def _raise() -> None:
    raise ValueError("token s3cret")


def test_of_a_long_way_its_last_twenty_places_are_told() -> None:
    failure = ActionFailed("shout ended with ValueError", definite=False, retryable=True)
    try:
        _deep(30)
    except ValueError as error:
        failure.__cause__ = error

    places = [line for line in describe(failure, index=0, action="shout", number=1).splitlines() if " at " in line]

    assert len(places) == 20
    assert "at _raise (" in places[-1]


def _deep(levels: int) -> None:
    if levels:
        _deep(levels - 1)
    else:
        _raise()
