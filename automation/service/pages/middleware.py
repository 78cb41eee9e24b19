"""Serves the pages, in front of the contract's operations."""

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.domain.errors import MethodNotAllowed
from automation.service.pages import problem_types, swagger_ui

_METHODS = ("GET", "HEAD")


class Documentation:
    """Answers for the pages under ``/docs`` and ``/problems``, and passes every other request on.

    Args:
        app: Answers for everything else, for pages that don't exist, too.
        swagger_ui: Whether there are the pages under ``/docs``.
        prefix: What stands before every path: empty, or ``/prefix``.
    """

    def __init__(self, app: ASGIApp, *, swagger_ui: bool, prefix: str = "") -> None:
        self._app = app
        self._pages = _pages(prefix, with_swagger_ui=swagger_ui)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._pages and _is_plain(scope):
            if scope["method"] not in _METHODS:
                raise MethodNotAllowed(headers={"Allow": ", ".join(_METHODS)})
            await self._pages[scope["path"]](scope, receive, send)
            return
        await self._app(scope, receive, send)


def _pages(prefix: str, *, with_swagger_ui: bool) -> dict[str, ASGIApp]:
    pages = problem_types.pages(prefix, with_swagger_ui=with_swagger_ui)
    if with_swagger_ui:
        pages |= swagger_ui.pages()
    return {prefix + path: page for path, page in pages.items()}


def _is_plain(scope: Scope) -> bool:
    """Return whether no slash of the path was encoded; where one was, it is another path."""
    return b"%2f" not in (scope.get("raw_path") or b"").lower()
