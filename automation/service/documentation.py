"""The pages for people beside the contract: Swagger UI under /docs, and what each problem type means."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.conditions import is_current
from automation.domain.errors import AutomationError, PathNotFound, all_errors

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

_SWAGGER_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Automation Executions - API</title>
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="{root}/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{root}/docs/swagger-ui-bundle.js"></script>
<script src="{root}/docs/start.js"></script>
</body>
</html>
"""
_START_SCRIPT = """SwaggerUIBundle({{
  url: "{root}/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
}});
"""
_PROBLEM_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""


class Documentation:
    """Answers for ``/docs`` and ``/problems``, and passes every other request on."""

    def __init__(self, app: ASGIApp, *, swagger_ui: bool) -> None:
        self._app = app
        routes = [
            Route("/problems", _list_problems),
            Route("/problems/{code}", _show_problem),
        ]
        if swagger_ui:
            routes += [
                Route("/docs", _show_swagger_ui),
                Route("/docs/start.js", _start_swagger_ui),
                Route("/docs/{asset}", _Assets()),
            ]
        self._router = Router(routes, redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(("/docs", "/problems")) and _is_plain(scope):
            scope["app"] = self._router  # so that Starlette raises instead of answering in plain text
            await self._router(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_plain(scope: Scope) -> bool:
    """Return whether no slash of the path was encoded; where one was, it is another path."""
    return b"%2f" not in (scope.get("raw_path") or b"").lower()


def _page(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers=_HEADERS)


async def _show_swagger_ui(request: Request) -> Response:
    return _page(_SWAGGER_PAGE.format(root=escape(request.scope.get("root_path", ""))))


async def _start_swagger_ui(request: Request) -> Response:
    script = _START_SCRIPT.format(root=request.scope.get("root_path", ""))
    return Response(script, media_type="text/javascript", headers=_HEADERS)


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    headers: Mapping[str, str]


class _Assets:
    """Swagger UI's own files, read once; each is sent whole or, to a client that has it already, not at all."""

    def __init__(self) -> None:
        bundle = _bundle()
        self._assets = {name: _asset((bundle / name).read_bytes(), kind) for name, kind in _ASSETS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        asset = self._assets.get(request.path_params["asset"])
        if asset is None:
            raise PathNotFound
        if is_current(asset.headers["ETag"], ",".join(request.headers.getlist("if-none-match"))):
            response = Response(status_code=304, headers=asset.headers)
        else:
            response = Response(asset.content, media_type=asset.media_type, headers=asset.headers)
        await response(scope, receive, send)


def _asset(content: bytes, media_type: str) -> _Asset:
    return _Asset(content, media_type, {**_HEADERS, "ETag": f'"{sha256(content).hexdigest()}"'})


def _bundle() -> Path:
    (bundle,) = (Path(str(entry)) for entry in files("swagger_ui_bundle").joinpath("vendor").iterdir())
    return bundle


async def _list_problems(request: Request) -> Response:
    root = escape(request.scope.get("root_path", ""))
    items = "\n".join(
        f'<li><a href="{root}/problems/{error.code}">{error.status} {escape(error.title)}</a></li>'
        for error in all_errors()
    )
    return _page(_PROBLEM_PAGE.format(title="Problem types", content=f"<h1>Problem types</h1>\n<ul>\n{items}\n</ul>"))


async def _show_problem(request: Request) -> Response:
    error = {error.code: error for error in all_errors()}.get(request.path_params["code"])
    if error is None:
        raise PathNotFound
    return _page(_PROBLEM_PAGE.format(title=escape(error.title), content=_explain(error)))


def _explain(error: type[AutomationError]) -> str:
    return (
        f"<h1>{escape(error.title)}</h1>\n"
        f"<p><code>{error.code}</code>, status {error.status}</p>\n"
        f"<p>{escape(error.default)}</p>\n"
        f"<h2>What to do</h2>\n<p>{escape(error.advice)}</p>"
    )
