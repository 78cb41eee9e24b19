"""Decodes and validates a request before its handler is called."""

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.binding import BODY
from automation.contract.serving.body_turns import BodyTurns
from automation.contract.serving.connection import Connection
from automation.contract.serving.lanes import Lane, Lanes
from automation.contract.serving.request_context import ARGUMENTS, endpoint, note_connection, tenant_if_known


class RequestValidation:
    """Leaves clean arguments in the scope of every request, or raises what is wrong with it.

    Args:
        app: What answers it.
        turns: Gives those with a body their turn.
    """

    def __init__(self, app: ASGIApp, turns: BodyTurns) -> None:
        self._app = app
        self._turns = turns
        self._lanes = Lanes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Validate a request and pass it on; what isn't HTTP is passed on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        routed = endpoint(scope)
        arguments = routed.parameters.read(scope)
        app = self._app if routed.around is None else partial(routed.around, self._app)
        scope[ARGUMENTS] = arguments
        if routed.body is None and routed.lane is None:
            await app(scope, receive, send)
            return
        async with AsyncExitStack() as lane:
            if routed.body is None:
                await self._enter(lane, scope, takes_turn=routed.lane is Lane.COMPUTED)
            else:
                turn = partial(self._enter, lane, scope, takes_turn=True)
                arguments[BODY] = await routed.body.read(_combined(scope["headers"]), receive, turn)
                note_connection(scope, Connection(receive))
            await app(scope, receive, send)

    async def _enter(self, lane: AsyncExitStack, scope: Scope, *, takes_turn: bool) -> None:
        """Return when a request may go on: its lane comes first, so that nothing is waited for after its turn."""
        tenant, routed = tenant_if_known(scope), endpoint(scope)
        if tenant is not None and routed.lane is not None:
            await lane.enter_async_context(self._lanes.admitted(tenant, routed.lane))
        if takes_turn:
            await self._turns.turn(tenant)


def _combined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return headers by name; what came in several lines is one list, as in RFC 9110, section 5.3."""
    combined: dict[bytes, bytes] = {}
    for name, value in headers:
        combined[name] = combined[name] + b", " + value if name in combined else value
    return combined
