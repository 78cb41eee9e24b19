"""Reads what a request to execute a rule wants of the run: with what, how, and when."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from automation.contract.compiled.scalars import Undecodable, date_time
from automation.domain.errors import InvalidBody, Violation
from automation.domain.labels import require_valid
from automation.domain.start_window import FURTHEST, StartWindow, duration


def wanted_run(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a contract component ``RuleExecution`` wants of the run, planned or not.

    Raises:
        InvalidBody: An execution can't have such labels, or not begin then.
    """
    labels = body.get("labels", {})
    require_valid(labels)
    return {
        "trigger_data": body.get("trigger_data", {}),
        "override_conditions": body.get("override_conditions", False),
        "labels": labels,
        "window": start_window(body),
    }


def start_window(body: Mapping[str, Any], now: datetime | None = None) -> StartWindow:
    """Return the window that a contract component ``RuleExecution`` asks for.

    Args:
        body: The component; of ``run_at`` and ``delay`` it has one at the most.
        now: From when on a delay counts; this moment when left out.

    Raises:
        InvalidBody: The run would begin too far ahead, or could never begin.
    """
    now = now or datetime.now(UTC)
    run_at = _time(body, "run_at")
    if "delay" in body:
        run_at = now + duration(body["delay"])
    expires_at = _time(body, "expires_at")
    if run_at is not None and run_at > now + FURTHEST:
        raise _refused("run_at" if "run_at" in body else "delay", f"is more than {FURTHEST.days} days ahead")
    if expires_at is not None and expires_at <= max(now, run_at or now):
        raise _refused("expires_at", "is over by the time at which the execution may begin")
    return StartWindow(run_at=run_at, expires_at=expires_at)


def _time(body: Mapping[str, Any], name: str) -> datetime | None:
    if name not in body:
        return None
    try:
        return date_time(body[name])
    except Undecodable as error:
        raise _refused(name, str(error)) from None


def _refused(name: str, message: str) -> InvalidBody:
    return InvalidBody("The execution could not begin then.", violations=[Violation(message, pointer=f"/{name}")])
