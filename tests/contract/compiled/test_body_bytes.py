"""Bytes of a body are read to their end, and no further than they may be many."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from automation.contract.compiled.body_bytes import Receive, body_bytes
from automation.domain.errors import ContentTooLarge


def receiving(messages: Iterable[Mapping[str, Any]]) -> Receive:
    """Return what gives one message after the other, and nothing once there are none."""
    left = iter(messages)

    async def receive() -> Mapping[str, Any]:
        return next(left)

    return receive


@pytest.mark.parametrize("more", [{}, {"more_body": False}])
async def test_a_body_ends_with_the_message_that_announces_no_other(more: dict[str, bool]) -> None:
    kind = {"type": "http.request"}
    messages = [{**kind, "body": b"a", "more_body": True}, {**kind, "more_body": True}, {**kind, "body": b"b", **more}]

    body = await body_bytes({}, receiving(messages), 2, required=True)

    assert body == b"ab"


async def test_a_body_that_is_declared_to_be_too_large_is_not_received() -> None:
    with pytest.raises(ContentTooLarge):
        await body_bytes({b"content-length": b"3"}, receiving([]), 2, required=True)


@pytest.mark.parametrize("declared", [{}, {b"content-length": b"0"}, {b"content-length": b"nonsense"}])
async def test_nothing_is_never_too_large(declared: dict[bytes, bytes]) -> None:
    assert await body_bytes(declared, receiving([{"type": "http.request"}]), 0, required=False) == b""
