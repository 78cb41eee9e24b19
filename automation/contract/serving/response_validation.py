"""Validates a response before its first byte is sent."""

from collections.abc import MutableMapping
from typing import Any

from automation.contract.compiled.responses import ResponseRules
from automation.contract.serving.connexion_adapter import ASGIApp, Receive, Scope, Send
from automation.contract.serving.request_context import endpoint


class ResponseValidation:
    """Sends a response only once it is valid by what its operation documents."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its response when it was validated; what isn't HTTP is passed on as it is."""
        if scope["type"] == "http":
            send = _HeldResponse(endpoint(scope).responses, send, bodiless=scope["method"] == "HEAD")
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
        body = message.get("body", b"")
        if message.get("more_body", False):
            self._chunks.append(body)
        else:
            await self._release(b"".join([*self._chunks, body]) if self._chunks else body)

    async def _release(self, body: bytes) -> None:
        self._rules.require(self._start["status"], self._start["headers"], body)
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": b"" if self._bodiless else body})
