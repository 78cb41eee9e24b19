"""Accepted media types: what a client says in ``Accept`` that it would rather have (RFC 9110, section 12.5.1)."""

from collections.abc import Iterable


class Accept:
    """The value of ``Accept``.

    Args:
        lines: The header's lines, none where the client didn't send any.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._weights = dict(map(_weighed, ",".join(lines).split(",")))

    def prefers(self, media_type: str, other: str) -> bool:
        """Return whether a media type is named itself, and the other one not preferred to it."""
        weight = self._weights.get(media_type, 0.0)
        return weight > 0 and weight >= self._weights.get(other, 0.0)


def _weighed(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0
