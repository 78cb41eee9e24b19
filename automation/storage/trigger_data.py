"""Trigger data as the text that is stored and given back: bounded in that form, however short it was as it came."""

from collections.abc import Mapping
from typing import Any

from automation.domain.errors import ContentTooLarge
from automation.storage.pool.encoding import encoded

LARGEST = 1_310_720
"""Bytes of JSON: a hook's largest body in JSON has room, with its query and headers, and so has its largest plain text
where no more than every fifth character is escaped by another. An answer has room for it beside all else."""


def stored(trigger_data: Mapping[str, Any] | None) -> str | None:
    """Return trigger data as they are stored; None where there are none.

    Raises:
        ContentTooLarge: They would be larger than ``LARGEST``.
    """
    return None if trigger_data is None else bounded(encoded(trigger_data))


def bounded(text: str) -> str:
    """Return a text of JSON that is stored as trigger data, or as a part of them.

    Raises:
        ContentTooLarge: It is larger than ``LARGEST``.
    """
    if len(text.encode()) > LARGEST:
        raise ContentTooLarge(
            f"What is kept of the request may have at most {LARGEST} bytes as JSON, where control characters have six."
        )
    return text
