"""Window of time in which a run may begin, and the durations that its ends are written as."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FURTHEST: Final = timedelta(days=366)
"""How far ahead a run can be asked for."""

_UNITS: Final = ("weeks", "days", "hours", "minutes", "seconds")
_duration = re.compile(
    r"P(?:([0-9]{1,4})W|(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?)"
).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWindow:
    """When a run may begin: not before ``run_at``, and not from ``expires_at`` on; None for no bound."""

    run_at: datetime | None = None
    expires_at: datetime | None = None


AT_ONCE: Final = StartWindow()
"""The window of a run that begins as soon as a worker has a slot for it, however late that is."""


def duration(text: str) -> timedelta:
    """Return the duration that is written by ISO 8601, in weeks or in days, hours, minutes and seconds.

    Months and years have no fixed length, and are not taken.

    Raises:
        ValueError: It is not written so, or longer than a ``timedelta`` can be.
    """
    found = _duration(text)
    if found is None or not any(found.groups()) or text.endswith("T"):
        raise ValueError("not a duration")
    return timedelta(**{unit: float(part) for unit, part in zip(_UNITS, found.groups(), strict=True) if part})
