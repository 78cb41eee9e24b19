"""Pages of the problem types: for every error of the tree, what it means and what to do, where its type leads."""

import json
import re
from collections.abc import Mapping
from html import escape
from string import Template
from types import MappingProxyType

from automation.domain.errors import AutomationError, InvalidBody, InvalidParameter, Violation, all_errors
from automation.service.pages.page import CSS, HTML, Page, own_file
from automation.service.problems import PATH, describe

_REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
_VIOLATIONS: Mapping[type[AutomationError], Violation] = MappingProxyType(
    {
        InvalidParameter: Violation("must be a UUID in its canonical form", parameter="id"),
        InvalidBody: Violation("is required", pointer="/actions/0/config/url"),
    }
)
_EXPLANATION = Template(
    """<p class="kind">Status $status, <code>$code</code></p>
<h2>What it means</h2>
<p>$meaning</p>
<h2>What to do</h2>
<p>$advice</p>
<h2>What it looks like</h2>
<pre><code>$example</code></pre>"""
)
_LIST = Template(
    """<p>The address in the <code>type</code> of an error leads to its page here. Programs branch on
<code>code</code>, whose meaning never changes.</p>
<table>
<thead><tr><th>Status</th><th>Code</th><th>What it means</th></tr></thead>
<tbody>
$rows
</tbody>
</table>"""
)
_ROW = Template('<tr><td>$status</td><td><a href="problems/$code">$code</a></td><td>$meaning</td></tr>')
_in_backticks = re.compile(r"`([^`]+)`")


def pages(prefix: str, *, with_swagger_ui: bool) -> dict[str, Page]:
    """Return the pages by their paths, prefix aside: the list, one for each error, and their style.

    Args:
        prefix: What stands before the types in the examples: empty, or ``/prefix``.
        with_swagger_ui: Whether there is a ``/docs`` to link to.
    """
    template = Template(own_file("problem_types.html").decode())

    def page(title: str, content: str, root: str) -> Page:
        links = _links(root, with_swagger_ui=with_swagger_ui)
        html = template.substitute(title=escape(title), content=content, root=root, links=links)
        return Page(HTML, html.encode())

    return {
        PATH.removesuffix("/"): page("Problem types", _list(), ""),
        f"{PATH}style.css": Page(CSS, own_file("problem_types.css")),
        **{f"{PATH}{error.code}": page(error.title, _explain(error, prefix), "../") for error in all_errors()},
    }


def _links(root: str, *, with_swagger_ui: bool) -> str:
    links = f'<a href="{root}problems">All problem types</a>'
    return f'{links}\n<a href="{root}docs">Swagger UI</a>' if with_swagger_ui else links


def _list() -> str:
    return _LIST.substitute(rows="\n".join(_ROW.substitute(_facts(error)) for error in all_errors()))


def _explain(error: type[AutomationError], prefix: str) -> str:
    example = json.dumps(_example(error, prefix), indent=2)
    return _EXPLANATION.substitute(_facts(error), advice=_text(error.advice), example=escape(example, quote=False))


def _facts(error: type[AutomationError]) -> Mapping[str, object]:
    return {"status": error.status, "code": error.code, "meaning": _text(error.default)}


def _example(error: type[AutomationError], prefix: str) -> Mapping[str, object]:
    violations = [_VIOLATIONS[error]] if error in _VIOLATIONS else []
    return describe(error(violations=violations), _REQUEST_ID, prefix)


def _text(sentence: str) -> str:
    """Return a sentence as HTML, with what stands in backticks as code."""
    return _in_backticks.sub(r"<code>\1</code>", escape(sentence))
