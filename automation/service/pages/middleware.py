"""Serves the pages, in front of the contract's operations."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.domain.errors import MethodNotAllowed
from automation.service.pages import guides, landing, problem_types, swagger_ui

_METHODS = ("GET", "HEAD")


class Documentation:
    """Answers for the root and the pages under ``/docs``, ``/guides`` and ``/problems``; passes other requests on.

    A page that is asked for with a slash at its end is where it is without, relative to whatever proxy is in front.

    Args:
        app: Answers for everything else, for pages that don't exist, too.
        swagger_ui: Whether there are the pages under ``/docs``.
        contract: Whether there is a contract to link to.
        prefix: What stands before every path: empty, or ``/prefix``.
    """

    def __init__(self, app: ASGIApp, *, swagger_ui: bool, contract: bool = True, prefix: str = "") -> None:
        self._app = app
        self._pages = _pages(prefix, with_swagger_ui=swagger_ui, with_contract=contract)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._pages and _is_plain(scope):
            if scope["method"] not in _METHODS:
                raise MethodNotAllowed(headers={"Allow": ", ".join(_METHODS)})
            await self._pages[scope["path"]](scope, receive, send)
            return
        await self._app(scope, receive, send)


def _pages(prefix: str, *, with_swagger_ui: bool, with_contract: bool) -> dict[str, ASGIApp]:
    pages: dict[str, ASGIApp] = {**problem_types.pages(prefix, with_swagger_ui=with_swagger_ui)}
    guidance = guides.pages()
    pages |= guidance
    if with_swagger_ui:
        pages |= swagger_ui.pages(with_guides=bool(guidance))
    moved: dict[str, ASGIApp] = {f"{path}/": _moved(f"../{path.rpartition('/')[2]}") for path in pages}
    root = landing.pages(with_swagger_ui=with_swagger_ui, with_contract=with_contract, with_guides=bool(guidance))
    below: dict[str, ASGIApp] = {prefix: _moved(f"{prefix.rpartition('/')[2]}/")} if prefix else {}
    return {prefix + path: page for path, page in (pages | moved | root).items()} | below


def _moved(address: str) -> Response:
    return Response(status_code=308, headers={"Location": address, "Cache-Control": "no-cache"})


def _is_plain(scope: Scope) -> bool:
    """Return whether no slash of the path was encoded; where one was, it is another path."""
    return b"%2f" not in (scope.get("raw_path") or b"").lower()
