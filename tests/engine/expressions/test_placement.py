"""Values of third parties stay values, whatever they hold: no other path, parameter, host or markup comes of them."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from automation.engine.expressions import placement
from automation.engine.expressions.evaluation import InvalidTemplate, MisplacedValue
from automation.engine.expressions.templates import Template

WRITING = {"/url": placement.url, "/html": placement.html}
HOSTILE = "../../admin/users?role=owner&x=#"


def resolved(url: str, **trigger: Any) -> str:
    text: str = Template.compile({"url": url}, WRITING).resolve({"trigger": trigger})["url"]
    return text


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://a.example/orders/${trigger.v}/confirm", "https://a.example/orders/A%2F1%3Fx%3D1%26y%20%23z/confirm"),
        ("https://a.example/orders?id=${trigger.v}&b=2", "https://a.example/orders?id=A%2F1%3Fx%3D1%26y%20%23z&b=2"),
        ("https://a.example/?${trigger.v}=1", "https://a.example/?A%2F1%3Fx%3D1%26y%20%23z=1"),
        ("https://a.example?q=a/${trigger.v}/..", "https://a.example?q=a/A%2F1%3Fx%3D1%26y%20%23z/.."),
        ("https://a.example/#${trigger.v}", "https://a.example/#A%2F1%3Fx%3D1%26y%20%23z"),
        ("https://a.example/v${trigger.n}/x", "https://a.example/v42/x"),
        ("https://${trigger.region}.example:${trigger.n}/", "https://eu-1.example:42/"),
        ("${trigger.base}/orders/${trigger.v}", "https://b.example/api/orders/A%2F1%3Fx%3D1%26y%20%23z"),
        ("${trigger.base}", "https://b.example/api"),
        ("https://a.example/${trigger.list}", "https://a.example/%5B1%2C%7B%22a%22%3A%22%2F%22%7D%5D"),
        ("https://a.example/a/../${trigger.n}", "https://a.example/a/../42"),
    ],
)
def test_a_value_is_encoded_for_its_place_in_a_url(template: str, url: str) -> None:
    values = {"v": "A/1?x=1&y #z", "n": 42, "region": "eu-1", "base": "https://b.example/api", "list": [1, {"a": "/"}]}

    assert resolved(template, **values) == url


@pytest.mark.parametrize(
    ("template", "value", "message"),
    [
        ("https://a.example/orders/${trigger.v}/confirm", "..", "segment"),
        ("https://a.example/orders/${trigger.v}/confirm", ".", "segment"),
        ("https://a.example/orders/${trigger.v}", "", "segment"),
        ("https://a.example/orders/.${trigger.v}?x", ".", "segment"),
        ("https://a.example/%2E${trigger.v}", ".", "segment"),
        ("https://${trigger.v}.example/", "evil.example/", "host"),
        ("https://a.example${trigger.v}/", "@evil.example", "host"),
        ("https://a.example:${trigger.v}", "1@evil", "host"),
        ("${trigger.v}/orders", "https://evil.example/?x=", "beginning"),
    ],
)
def test_a_value_that_fits_no_place_fails_the_run(template: str, value: str, message: str) -> None:
    with pytest.raises(MisplacedValue, match=message) as failed:
        resolved(template, v=value)

    assert str(failed.value).startswith("/url: ")


@pytest.mark.parametrize(
    "template",
    [
        "${trigger.base}.example/",
        "${trigger.base}${trigger.path}",
        "http${trigger.s}://a.example/",
        "htt${trigger.p}",
        " ${trigger.base}${trigger.path}",
    ],
)
def test_a_url_whose_host_would_be_pieced_together_is_refused_when_it_is_written(template: str) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        Template.compile({"url": template}, WRITING)

    assert refused.value.violations[0].pointer == "/url"


@given(path=st.text(max_size=40), name=st.text(max_size=40), value=st.text(max_size=40))
@example(path=HOSTILE, name=HOSTILE, value=HOSTILE)
def test_whatever_the_values_are_the_url_keeps_its_shape(path: str, name: str, value: str) -> None:
    assume(path not in {"", ".", ".."})

    url = resolved("https://a.example:8443/x/${trigger.path}/y?${trigger.name}=${trigger.value}&z=1#f", **locals())

    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "a.example:8443", "f")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "x", path, "y"]
    assert parse_qsl(parts.query, keep_blank_values=True) == [(name, value), ("z", "1")]
    assert httpx.URL(url).raw_path.count(b"/") == 3


@given(value=st.text(max_size=60))
@example(value="evil.example/")
@example(value="@evil.example")
def test_whatever_a_value_in_the_host_is_the_domain_stays_the_authors(value: str) -> None:
    try:
        url = resolved("https://${trigger.value}.a.example/x", value=value)
    except MisplacedValue:
        return

    assert (urlsplit(url).hostname or "").endswith(".a.example")
    assert urlsplit(url).path == "/x"


class Text(HTMLParser):
    """The tags of an HTML text with their attributes, and what stands between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=40))
@example(value='"><script>alert(1)</script>')
def test_a_value_in_html_is_text_and_no_markup(value: str) -> None:
    template = Template.compile({"html": '<p title="${trigger.v}">${trigger.v}</p>'}, WRITING)

    read = Text(template.resolve({"trigger": {"v": value}})["html"])

    assert read.tags == [("p", [("title", value)])]
    assert read.text == value


def test_html_that_is_one_expression_is_the_authors_choice() -> None:
    template = Template.compile({"html": "${trigger.v}"}, WRITING)

    assert template.resolve({"trigger": {"v": "<b>bold</b>"}}) == {"html": "<b>bold</b>"}


def test_a_large_value_costs_no_more_than_its_length() -> None:
    many = "".join(f"/a{number}/${{trigger.v}}" for number in range(100))

    assert len(resolved("https://a.example" + many, v="x" * 2000)) > 200_000
