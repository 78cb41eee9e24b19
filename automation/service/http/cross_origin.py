"""Cross-origin requests (CORS): which other sites' pages may call the service, and which headers they may read.

Off unless the operator names origins. Keys are sent in a header that the page sets itself, so no credentials of the
browser's are ever allowed.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = (
    "Accept",
    "Accept-Encoding",
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""What the contract's responses carry beyond what a page may always read."""

_PREFLIGHT_SECONDS = 600
"""Tuned: seconds for which a browser need not ask again."""


class _Cors(CORSMiddleware):
    """What both halves of it are given.

    Args:
        app: Answers.
        origins: Such as ``https://app.example.com``; ``*`` alone for all.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=EXPOSED,
            max_age=_PREFLIGHT_SECONDS,
        )


class CrossOrigin(_Cors):
    """Lets pages of the origins read every response, errors too; :class:`Preflights` further in says yes beforehand."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.simple_response(scope, receive, send, request_headers=Headers(scope=scope))
        else:
            await self.app(scope, receive, send)


class Preflights(_Cors):
    """Answers the preflights of the origins' pages without a key, and passes every other request on.

    Stands within the request log. A preflight of another origin, or for a method that nothing here has, is answered
    like any other request with OPTIONS.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and self._is_welcome(Headers(scope=scope)):
            await self.preflight_response(Headers(scope=scope))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_welcome(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        asked = headers.get("access-control-request-method")
        return origin is not None and self.is_allowed_origin(origin) and asked in METHODS
