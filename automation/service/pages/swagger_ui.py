"""Swagger UI under /docs: its own files from the locked package, a page of ours and a script that starts it."""

from importlib.resources import files
from pathlib import Path
from string import Template

from automation.service.pages.page import CSS, HTML, JAVASCRIPT, PNG, Page, own_file

_GUIDES = '<a href="guides">Guides</a>'
_PROBLEMS = '<a href="problems">Problem types</a>'
_ASSETS = {"swagger-ui.css": CSS, "swagger-ui-bundle.js": JAVASCRIPT, "favicon-32x32.png": PNG}


def pages(*, with_guides: bool) -> dict[str, Page]:
    """Return the pages by their paths.

    Args:
        with_guides: Whether there are ``/guides`` to link to.
    """
    bundle = _bundle()
    links = "\n".join([_PROBLEMS, *([_GUIDES] if with_guides else [])])
    html = Template(own_file("swagger_ui.html").decode()).substitute(links=links)
    return {
        "/docs": Page(HTML, html.encode()),
        "/docs/colours.css": Page(CSS, own_file("swagger_ui.css")),
        "/docs/start.js": Page(JAVASCRIPT, own_file("swagger_ui.js")),
        **{f"/docs/{name}": Page(kind, (bundle / name).read_bytes()) for name, kind in _ASSETS.items()},
    }


def _bundle() -> Path:
    (bundle,) = (Path(str(entry)) for entry in files("swagger_ui_bundle").joinpath("vendor").iterdir())
    return bundle
