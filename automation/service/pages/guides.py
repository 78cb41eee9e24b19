"""Guides under /guides: those of the documentation, as they are written, for who has nothing but the service."""

from html import escape
from pathlib import Path
from string import Template

from automation.service.pages.page import HTML, Page, own_file

PATH = "/guides"

_PACKAGED = Path(__file__).with_name("guides")
_CHECKOUT = Path(__file__).parents[3] / "docs"
_ROW = Template('<tr><td><a href="guides/$name">$title</a></td></tr>')
_LIST = Template("""<p>Written in Markdown, and shown as they are written.</p>
<table>
<tbody>
$rows
</tbody>
</table>""")
_TEXT = Template('<pre class="guide">$text</pre>')


def pages() -> dict[str, Page]:
    """Return the pages by their paths, prefix aside: the list, and one for each guide; none without guides."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(_directory().glob("*.md"))}
    if not texts:
        return {}
    titles = {name: text.partition("\n")[0].lstrip("# ") for name, text in texts.items()}
    rows = "\n".join(_ROW.substitute(name=name, title=escape(title)) for name, title in titles.items())
    guides = {
        f"{PATH}/{name}": _page(titles[name], _TEXT.substitute(text=escape(text.partition("\n")[2].strip())), "../")
        for name, text in texts.items()
    }
    return {PATH: _page("Guides", _LIST.substitute(rows=rows), ""), **guides}


def _page(title: str, content: str, root: str) -> Page:
    template = Template(own_file("problem_types.html").decode())
    links = f'<a href="{root}guides">All guides</a>\n<a href="{root}problems">Problem types</a>'
    html = template.substitute(title=escape(title), content=content, root=root, links=links)
    return Page(HTML, html.encode())


def _directory() -> Path:
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
