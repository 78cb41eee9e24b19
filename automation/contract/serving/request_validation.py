"""Decodes and validates a request before its handler is called."""

from automation.contract.serving.binding import BODY
from automation.contract.serving.connexion_adapter import ASGIApp, Receive, Scope, Send
from automation.contract.serving.request_context import ARGUMENTS, endpoint


class RequestValidation:
    """Leaves clean arguments in the scope of every request, or raises what is wrong with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Validate a request and pass it on; what isn't HTTP is passed on as it is."""
        if scope["type"] == "http":
            routed = endpoint(scope)
            arguments = routed.parameters.read(scope)
            if routed.body is not None:
                arguments[BODY] = await routed.body.read(dict(scope["headers"]), receive)
            scope[ARGUMENTS] = arguments
            if routed.around is not None:
                await routed.around(self._app, scope, receive, send)
                return
        await self._app(scope, receive, send)
