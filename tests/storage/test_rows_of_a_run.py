"""Rows of a run: which columns each step of its life changes, and to what; all others stay as they are."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from tests.storage.lives import KEY, Life
from tests.storage.runner import Runner

TIME = "a time"
LEFT_OUT = {"log_bytes"}
"""What grows by the digits of times that are told."""
Step = Callable[[Life], Awaitable[object]]

HELD = {"due_at": TIME, "lease_until": TIME}
BEGUN = HELD | {"status": "running", "started_at": TIME, "fence": 1, "deadline_at": TIME, "log_entries": 1}
RESTS = {
    "results": '{"0": {"w": 1}}',
    "results_bytes": 7,
    "next_action": 1,
    "due_at": TIME,
    "lease_until": None,
    "resume_at": TIME,
    "log_entries": 2,
}
NEVER_BEGUN = {"completed_at": TIME, "due_at": None}
OVER = NEVER_BEGUN | {"lease_until": None}

LIVES: dict[str, list[tuple[Step, dict[str, Any]]]] = {
    "it calls, fails, and is done": [
        (Life.begins, BEGUN),
        (Life.calls, HELD | {"tries": 2, "call_key": KEY, "log_entries": 2}),
        (Life.fails, {"tries": 3, "actions_seconds": 1.5, "log_entries": 3}),
        (Life.calls, {"tries": 2, "log_entries": 4}),
        (Life.fails_for_good, {"tries": 4, "call_key": None, "actions_seconds": 2.5}),
        (
            Life.does,
            {
                "actions_successful": 1,
                "results": '{"0": {"n": 1}}',
                "results_bytes": 7,
                "next_action": 1,
                "tries": 0,
                "actions_seconds": 3.5,
                "log_entries": 5,
            },
        ),
        (
            Life.does_badly,
            {
                "actions_failed": 1,
                "results": '{"0": {"n": 1}, "1": {"n": 22}}',
                "results_bytes": 15,
                "next_action": 2,
                "actions_seconds": 4.5,
            },
        ),
        (Life.renews, {}),
        (Life.tells, {"log_entries": 6}),
        (
            Life.ends,
            OVER
            | {
                "status": "failed",
                "duration_ms": TIME,
                "actions_failed": 2,
                "error_message": "It broke.",
                "error_stack": "there",
                "failed_action_index": 2,
                "log_entries": 7,
            },
        ),
        (
            Life.is_retried,
            {
                "status": "pending",
                "started_at": None,
                "completed_at": None,
                "duration_ms": None,
                "actions_successful": 0,
                "actions_failed": 0,
                "error_message": None,
                "error_stack": None,
                "failed_action_index": None,
                "attempt": 2,
                "retry_from": "failed_action",
                "actions_seconds": 0.0,
                "queued_at": TIME,
                "due_at": TIME,
                "deadline_at": None,
                "log_entries": 0,
            },
        ),
        (Life.begins, BEGUN | {"fence": 2}),
    ],
    "it waits, goes back and is lost": [
        (Life.begins, BEGUN),
        (Life.waits, RESTS),
        (Life.has_waited, {"resume_at": TIME}),
        (Life.begins, HELD | {"actions_successful": 1, "fence": 2, "resume_at": None, "log_entries": 3}),
        (Life.goes_back, {"due_at": TIME, "lease_until": "epoch", "log_entries": 4}),
        (Life.begins, HELD | {"fence": 3, "log_entries": 5}),
        (Life.is_lost, HELD),
        (Life.begins, HELD | {"fence": 4, "lost_workers": 1, "log_entries": 6}),
        (Life.is_lost, HELD),
        (Life.begins, HELD | {"fence": 5, "lost_workers": 2, "log_entries": 7}),
    ],
    "it has one action": [
        (Life.begins, BEGUN),
        (
            Life.ends_well,
            OVER
            | {
                "status": "completed",
                "duration_ms": TIME,
                "actions_successful": 1,
                "results": '{"0": {"a": 1}}',
                "results_bytes": 7,
                "next_action": 1,
                "actions_seconds": 1.5,
            },
        ),
    ],
    "it is cancelled": [
        (Life.is_cancelled, NEVER_BEGUN | {"status": "cancelled", "log_entries": 1}),
        (
            Life.is_retried,
            {
                "status": "pending",
                "completed_at": None,
                "attempt": 2,
                "retry_from": "start",
                "queued_at": TIME,
                "due_at": TIME,
                "log_entries": 0,
            },
        ),
        (Life.begins, BEGUN),
        (Life.calls, HELD | {"tries": 2, "call_key": KEY, "log_entries": 2}),
        (Life.is_cancelled, {"cancel_requested_at": TIME, "cancel_reason": "The execution was cancelled by a user."}),
        (Life.tells, {"log_entries": 3}),
        (
            Life.ends,
            OVER
            | {
                "status": "cancelled",
                "duration_ms": TIME,
                "actions_failed": 1,
                "failed_action_index": 0,
                "log_entries": 4,
            },
        ),
    ],
    "it is cancelled in a wait": [
        (Life.begins, BEGUN),
        (Life.waits, RESTS),
        (
            Life.is_cancelled,
            NEVER_BEGUN
            | {"status": "cancelled", "duration_ms": TIME, "next_action": 0, "resume_at": None, "log_entries": 3},
        ),
        (
            Life.is_retried,
            {
                "status": "pending",
                "started_at": None,
                "completed_at": None,
                "duration_ms": None,
                "attempt": 2,
                "retry_from": "failed_action",
                "results": None,
                "results_bytes": 0,
                "queued_at": TIME,
                "due_at": TIME,
                "deadline_at": None,
                "log_entries": 0,
            },
        ),
    ],
}
"""What happens to an execution, and what each step changes."""

TOLD: dict[str, list[tuple[object, ...]]] = {
    "it calls, fails, and is done": [
        (0, "info", "Attempt 2 started with version 1 of the rule.", None, {"actions": 2})
    ],
    "it waits, goes back and is lost": [
        (0, "info", "Attempt 1 started with version 1 of the rule.", None, {"actions": 2}),
        (2, "info", "The wait is over.", 0, None),
        (4, "warn", "The execution goes on with another worker.", None, {"claim": 3}),
        (5, "warn", "The execution goes on with another worker.", None, {"claim": 4}),
        (6, "warn", "The execution goes on with another worker.", None, {"claim": 5}),
    ],
    "it has one action": [(0, "info", "Attempt 1 started with version 1 of the rule.", None, {"actions": 2})],
    "it is cancelled": [
        (0, "info", "Attempt 2 started with version 1 of the rule.", None, {"actions": 2}),
        (3, "info", "The execution was cancelled by a user.", None, None),
    ],
    "it is cancelled in a wait": [],
}
"""What the log of the last attempt has then, beside what the steps tell."""


def plain(value: Any) -> Any:
    """Return a column's value without what is another one each time."""
    if isinstance(value, datetime):
        return "epoch" if value.timestamp() == 0 else TIME
    return json.dumps(value) if isinstance(value, dict) else value


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is another value."""
    return {
        name: TIME if name == "duration_ms" and value is not None else plain(value)
        for name, value in after.items()
        if value != before[name] and name not in LEFT_OUT
    }


@pytest.mark.parametrize("name", LIVES)
async def test_each_step_changes_what_it_is_about_and_nothing_else(runner: Runner, name: str) -> None:
    life = Life(runner, await runner.execute())
    found = []

    for step, _ in LIVES[name]:
        before = life.row()
        await step(life)
        found.append(changed(before, life.row()))

    assert found == [changes for _, changes in LIVES[name]]
    assert life.logs() == TOLD[name]
