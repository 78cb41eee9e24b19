"""Validates a response before its first byte is sent."""

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.request_context import endpoint


class ResponseValidation:
    """Has a request answered by its operation's handler, and sends the response only once it is valid.

    Args:
        app: Where goes what isn't HTTP.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by what its operation documents."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        routed = endpoint(scope)
        status, headers, body = await routed.call(scope)
        routed.responses.require(status, headers, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
