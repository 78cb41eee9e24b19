"""Decodes and validates a request before its handler is called."""

from collections.abc import Iterable, Mapping
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.binding import BODY
from automation.contract.serving.body_turns import BodyTurns
from automation.contract.serving.connection import Connection
from automation.contract.serving.read_lanes import ReadLanes
from automation.contract.serving.request_context import ARGUMENTS, endpoint, note_connection, tenant_if_known


class RequestValidation:
    """Leaves clean arguments in the scope of every request, or raises what is wrong with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns = BodyTurns()
        self._lanes = ReadLanes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Validate a request and pass it on; what isn't HTTP is passed on as it is."""
        if scope["type"] == "http":
            routed = endpoint(scope)
            arguments = routed.parameters.read(scope)
            if routed.body is not None:
                arguments[BODY] = await routed.body.read(
                    _combined(scope["headers"]), receive, partial(self._turns.turn, tenant_if_known(scope))
                )
                note_connection(scope, Connection(receive))
            scope[ARGUMENTS] = arguments
            if routed.around is not None:
                await routed.around(self._app, scope, receive, send)
                return
            if routed.in_lane and (tenant := tenant_if_known(scope)) is not None:
                async with self._lanes.admitted(tenant):
                    await self._app(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _combined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return headers by name; what came in several lines is one list, as in RFC 9110, section 5.3."""
    combined: dict[bytes, bytes] = {}
    for name, value in headers:
        combined[name] = combined[name] + b", " + value if name in combined else value
    return combined
