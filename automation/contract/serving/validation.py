"""The contract's two gates: requests are decoded and validated before the handler, responses before they leave.

They stand behind Connexion's routing and security, and find their operation where its router leaves it.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

from automation.contract.compiled.bodies import BodyReader
from automation.contract.compiled.contract import Contract
from automation.contract.compiled.parameter_reader import ParameterReader
from automation.contract.compiled.responses import ResponseRules
from automation.contract.serving.binding import BODY
from automation.contract.serving.connexion_adapter import ASGIApp, Receive, Scope, Send, routed_operation
from automation.contract.serving.dispatch import ARGUMENTS


class RequestValidation:
    """Leaves clean arguments in the scope of every request, or raises what is wrong with it."""

    def __init__(self, app: ASGIApp, contract: Contract) -> None:
        self._app = app
        self._readers: Mapping[str, tuple[ParameterReader, BodyReader | None]] = {
            name: (parameters, contract.bodies.get(name)) for name, parameters in contract.parameters.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Validate a request and pass it on; what isn't HTTP is passed on as it is."""
        if scope["type"] == "http":
            parameters, body = self._readers[routed_operation(scope)]
            arguments = parameters.read(scope)
            if body is not None:
                arguments[BODY] = await body.read(dict(scope["headers"]), receive)
            scope[ARGUMENTS] = arguments
        await self._app(scope, receive, send)


class ResponseValidation:
    """Holds every response back until it is known to be what its operation documents."""

    def __init__(self, app: ASGIApp, contract: Contract) -> None:
        self._app = app
        self._rules: Mapping[str, ResponseRules] = contract.responses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its response when it was validated; what isn't HTTP is passed on as it is."""
        if scope["type"] == "http":
            send = _HeldResponse(self._rules[routed_operation(scope)], send, bodiless=scope["method"] == "HEAD")
        await self._app(scope, receive, send)


class _HeldResponse:
    """Takes a response's messages in the place of ``send`` and passes them on when all of it was validated."""

    __slots__ = ("_bodiless", "_chunks", "_rules", "_send", "_start")

    def __init__(self, rules: ResponseRules, send: Send, *, bodiless: bool) -> None:
        self._rules = rules
        self._send = send
        self._bodiless = bodiless
        self._start: MutableMapping[str, Any] = {}
        self._chunks: list[bytes] = []

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._release(b"".join(self._chunks))

    async def _release(self, body: bytes) -> None:
        self._rules.require(self._start["status"], self._start["headers"], body)
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": b"" if self._bodiless else body})
