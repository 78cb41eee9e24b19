"""One page or file for browsers, made at start: what it holds, and the headers that keep it to this server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from automation.contract.serving.preconditions import is_current

HTML = "text/html"
CSS = "text/css"
JAVASCRIPT = "text/javascript"
PNG = "image/png"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Page:
    """An ASGI application that sends its content whole or, to a client that has it already, not at all.

    Args:
        media_type: What the content is.
        content: All of it.
        more: Headers beside those of every page.
    """

    media_type: str
    content: bytes = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict)
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "etag", f'"{sha256(self.content).hexdigest()}"')

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {**_HEADERS, **self.more, "ETag": self.etag}
        asked = ",".join(Request(scope).headers.getlist("if-none-match"))
        if is_current(self.etag, asked):
            response = Response(status_code=304, headers=headers)
        else:
            response = Response(self.content, media_type=self.media_type, headers=headers)
        await response(scope, receive, send)


def own_file(name: str) -> bytes:
    """Return one of the files that lie beside this module."""
    return files(__package__).joinpath(name).read_bytes()
