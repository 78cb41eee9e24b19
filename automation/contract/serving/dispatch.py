"""Passes each request to the endpoint that it was routed to."""

from starlette.types import Receive, Scope, Send

from automation.contract.serving.request_context import endpoint


async def dispatch(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a request; a websocket is closed, for the contract has none."""
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1000})
        return
    await endpoint(scope).call(scope, send)
