"""Landing at the root: people are shown where everything is, programs are led to the contract."""

from dataclasses import dataclass
from html import escape
from string import Template

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.accept import Accept
from automation.domain.errors import PathNotFound
from automation.service.pages.page import HTML, Page, own_file

_CONTRACT = "api/v1/openapi.json"
_VARY = {"Vary": "Accept"}
_TITLE = "Automation Executions"
_SWAGGER_UI = ("docs", "Swagger UI", "every operation, to read and to try out")
_DOCUMENTS = (
    (_CONTRACT, "The contract as JSON", "OpenAPI, for tools and programs"),
    ("api/v1/openapi.yaml", "The contract as YAML", "the same, for people"),
)
_GUIDES = ("guides", "Guides", "how to use, operate and extend the service")
_PROBLEMS = ("problems", "Problem types", "what each error means, and what to do")
_ROW = Template('<tr><td><a href="$address">$name</a></td><td>$purpose</td></tr>')
_CONTENT = Template("""<p>Runs automation rules, and tells each tenant exactly what happened.</p>
<table>
<thead><tr><th>Where</th><th>What</th></tr></thead>
<tbody>
$rows
</tbody>
</table>""")


@dataclass(frozen=True, slots=True)
class Landing:
    """An ASGI application for the root: a page for who asks for HTML, the way to the contract for everybody else.

    Args:
        page: For people.
        published: Whether there is a contract to be led to; without one, programs find nothing here.
    """

    page: Page
    published: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Accept(Headers(scope=scope).getlist("accept")).prefers("text/html", "application/json"):
            await self.page(scope, receive, send)
        elif self.published:
            headers = {**_VARY, "Location": _CONTRACT, "Cache-Control": "no-cache"}
            await Response(status_code=303, headers=headers)(scope, receive, send)
        else:
            raise PathNotFound


def pages(*, with_swagger_ui: bool, with_contract: bool, with_guides: bool) -> dict[str, ASGIApp]:
    """Return the root by its path, prefix aside, with links to what is served."""
    offered = [
        *((_SWAGGER_UI,) if with_swagger_ui else ()),
        *(_DOCUMENTS if with_contract else ()),
        *((_GUIDES,) if with_guides else ()),
        _PROBLEMS,
    ]
    rows = "\n".join(
        _ROW.substitute(address=address, name=escape(name), purpose=escape(purpose))
        for address, name, purpose in offered
    )
    template = Template(own_file("problem_types.html").decode())
    html = template.substitute(title=_TITLE, content=_CONTENT.substitute(rows=rows), root="", links="")
    return {"/": Landing(Page(HTML, html.encode(), _VARY), published=with_contract)}
