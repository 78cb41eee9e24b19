"""Websockets: closed at once, for the contract has none."""

from starlette.types import Receive, Scope, Send


async def close(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Close what a client tries to open."""
    await send({"type": "websocket.close", "code": 1000})
