"""Time zones of the IANA database, by their names as it writes them: the same ones for schedules and for statistics."""

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
