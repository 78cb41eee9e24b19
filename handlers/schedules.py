"""The operations of the tag Schedules."""

from datetime import UTC, datetime
from typing import Any

from automation.domain.errors import InvalidParameter, Violation
from automation.engine.triggers import Triggers
from automation.engine.triggers.recurring import previewed
from automation.engine.triggers.schedule import require_between


async def preview_automation_rule_schedule(
    *,
    cron: str | None,
    timezone: str | None,
    every: str | None,
    anchor: datetime | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    after: datetime | None,
    triggers: Triggers,
) -> dict[str, Any]:
    """Return the next ten times of a schedule that nobody has to have saved."""
    times = {"anchor": anchor, "starts_at": starts_at, "ends_at": ends_at}
    said = {"cron": cron, "timezone": timezone, "every": every}
    said |= {name: None if time is None else time.isoformat() for name, time in times.items()}
    config = {name: text for name, text in said.items() if text is not None}
    try:
        moment = require_between(after or datetime.now(UTC))
    except ValueError as error:
        wrong = [Violation(str(error), parameter="after")]
        raise InvalidParameter("No rule could run by this schedule.", violations=wrong) from error
    found, next_times = [*_of_form(config)], list[datetime]()
    if not found:
        found, next_times = previewed(config, moment, triggers.least_interval)
    if found:
        wrong = [Violation(each.message, parameter=(each.pointer or "/cron")[1:]) for each in found]
        raise InvalidParameter("No rule could run by this schedule.", violations=wrong)
    return {"data": {"times": next_times}}


def _of_form(config: dict[str, str]) -> list[Violation]:
    """Return what the parameters have too many or too few of, as ``RecurringTriggerConfig`` says it of a body."""
    if ("cron" in config) == ("every" in config):
        return [Violation("either cron or every must be given", pointer="/cron")]
    foreign = {"anchor"} if "cron" in config else {"timezone"}
    return [
        Violation("does not belong to this kind of schedule", pointer=f"/{name}") for name in foreign & config.keys()
    ]
