"""Validates a response before its first byte is sent."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.body_turns import BodyTurns
from automation.contract.serving.request_context import endpoint, tenant_if_known

LARGE: Final = 16_384
"""Bytes of a body from which on a response waits for its turn: to validate and send it takes milliseconds."""


class ResponseValidation:
    """Has a request answered by its operation's handler, and sends the response only once it is valid.

    Args:
        app: Where goes what isn't HTTP.
        turns: Gives large ones their turn, among the bodies of requests.
    """

    def __init__(self, app: ASGIApp, turns: BodyTurns) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by what its operation documents."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        routed = endpoint(scope)
        status, headers, body = await routed.call(scope)
        if len(body) >= LARGE:
            await self._turns.turn(tenant_if_known(scope))
        routed.responses.require(status, headers, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
