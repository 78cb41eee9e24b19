"""Bytes of a request's body, bounded before they are read."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from automation.contract.compiled.violations import WORDS, of_whole
from automation.domain.errors import ContentTooLarge

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Turn = Callable[[], Awaitable[None]]
"""Returns when a body that has been received may be read."""


async def body_bytes(headers: Mapping[bytes, bytes], receive: Receive, most: int, *, required: bool) -> bytes:
    """Return the bytes of a body, none where it is not required and not there.

    Raises:
        ContentTooLarge: There are more than ``most``; they were not read further than that.
        InvalidBody: It is missing, or the connection was closed before its end.
    """
    _refuse_beyond(most, _declared_length(headers))
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise of_whole("The connection was closed before the body's end.", "was not received to its end")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        _refuse_beyond(most, size)
        chunks.append(chunk)
    if required and not size:
        raise of_whole("This operation requires a body.", WORDS["required"])
    return b"".join(chunks)


def _declared_length(headers: Mapping[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared[:20]) if declared.isdigit() else 0  # more digits than that say no less


def _refuse_beyond(most: int, size: int) -> None:
    if size > most:
        raise ContentTooLarge(f"The body may have at most {most} bytes.")
