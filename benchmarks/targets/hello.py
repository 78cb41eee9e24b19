"""An ASGI application that only greets: the cost of uvicorn itself."""

from typing import Any

_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"13")]}
_BODY = {"type": "http.response.body", "body": b"Hello, world!"}


async def app(_scope: dict[str, Any], _receive: Any, send: Any) -> None:
    await send(_START)
    await send(_BODY)
