"""Time zones of the IANA database, by their names as it writes them: the same ones for schedules and for statistics."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

_NOT_ZONES: Final = frozenset({"localtime", "posixrules", "Factory"})


def time_zone(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        ValueError: There is none of that name.
    """
    if name in _NOT_ZONES or name.startswith(("posix/", "right/")):
        raise ValueError("not a zone")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError("not a zone") from error


def in_utc(time: datetime | None) -> datetime | None:
    """Return a time in UTC, where there is one."""
    return None if time is None else time.astimezone(UTC)
