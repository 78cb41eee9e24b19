"""Lets an execution rest for a while, or until a time, without holding a worker."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from automation.engine.actions.action import Action, ActionFailed, ConfigFault

MAX_SECONDS = 30 * 24 * 60 * 60

CONFIG_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {
        "seconds": {
            "description": "How long to wait.",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": MAX_SECONDS,
        },
        "until": {
            "description": "The time to wait for (RFC 3339), at most 30 days ahead; the past is not waited for.",
            "type": "string",
            "format": "date-time",
        },
    },
}


def resume_at(config: Mapping[str, Any], now: datetime) -> datetime:
    """Return the time, in UTC, at which an execution goes on that begins to wait at ``now``.

    Args:
        config: A valid config.
        now: Any time with a time zone.

    Raises:
        ActionFailed: ``until`` is more than 30 days ahead.
    """
    now = now.astimezone(UTC)
    until = _time(config["until"]) if "until" in config else now + timedelta(seconds=config["seconds"])
    if until > now + timedelta(seconds=MAX_SECONDS):
        raise ActionFailed("the time to wait for is more than 30 days ahead", definite=True, retryable=False)
    return max(now, until)


def check(config: Mapping[str, Any]) -> Iterator[ConfigFault]:
    """Yield what the schema can't say of a config, in words that a reader can act on."""
    if len(config.keys() & {"seconds", "until"}) != 1:
        yield ConfigFault("", "either seconds or until must be given")
    try:
        _time(config.get("until", "2000-01-01T00:00:00Z"))
    except (ValueError, OverflowError):
        yield ConfigFault("/until", "must be a time of the years 1 to 9999, with seconds from 0 to 59")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


action = Action(name="wait", config_schema=CONFIG_SCHEMA, resume_at=resume_at, check=check, example={"seconds": 300})
