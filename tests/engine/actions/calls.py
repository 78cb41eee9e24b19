"""Calls for actions under test."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from automation.engine.actions import ActionCall

KEY = "0198c3a4-7a52-7c1e-9d55-0c8f7c1b2a01"


async def _uncounted(_mails: int) -> int | None:
    return None


def a_call(
    *,
    seconds: float = 5.0,
    key: str = KEY,
    holds: Callable[[], bool] = lambda: True,
    count_mails: Callable[[int], Awaitable[int | None]] = _uncounted,
) -> ActionCall:
    """Return the first try of the first action of an execution."""
    return ActionCall(
        execution_id=UUID("0198c3a4-7a52-7c1e-9d55-000000000001"),
        rule_id=UUID("0198c3a4-7a52-7c1e-9d55-000000000002"),
        attempt=1,
        action_index=0,
        idempotency_key=key,
        deadline=time.monotonic() + seconds,
        holds=holds,
        count_mails=count_mails,
    )


def lost_after(asked: int) -> Callable[[], bool]:
    """Return what says so often that the execution is still this worker's, and then that it is not."""
    answers = iter([True] * asked)
    return lambda: next(answers, False)
