"""The pages for people, and Swagger UI's own files."""

import re
import tomllib
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from automation.domain.errors import AutomationError, MethodNotAllowed, PathNotFound, all_errors
from automation.service.pages import Documentation

DOCS = Path(__file__).parents[3] / "docs"
ASSETS = {
    "colours.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise PathNotFound


def serve(prefix: str = "", *, swagger_ui: bool = True, contract: bool = True) -> httpx.AsyncClient:
    documentation = Documentation(nothing, swagger_ui=swagger_ui, contract=contract, prefix=prefix)
    return httpx.AsyncClient(transport=httpx.ASGITransport(documentation), base_url="http://pages")


@pytest.fixture
def pages() -> httpx.AsyncClient:
    return serve()


@pytest.mark.parametrize("asset", ASSETS)
async def test_an_asset_is_sent_with_its_version_and_the_headers_of_every_page(
    pages: httpx.AsyncClient, asset: str
) -> None:
    response = await pages.get(f"/docs/{asset}")

    page = await pages.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == ASSETS[asset]
    assert response.headers["etag"].startswith('"')
    for name in ("content-security-policy", "referrer-policy", "cache-control"):
        assert response.headers[name] == page.headers[name]


@pytest.mark.parametrize("asset", ASSETS)
async def test_an_asset_that_the_client_has_is_not_sent_again(pages: httpx.AsyncClient, asset: str) -> None:
    etag = (await pages.get(f"/docs/{asset}")).headers["etag"]

    response = await pages.get(f"/docs/{asset}", headers={"if-none-match": f'"other", W/{etag}'})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag


@pytest.mark.parametrize("ranges", ["bytes=0-1", "bytes=999999999-", "bytes=nonsense", "nonsense"])
async def test_an_asset_is_sent_whole_whatever_range_is_asked_for(pages: httpx.AsyncClient, ranges: str) -> None:
    whole = await pages.get("/docs/favicon-32x32.png")

    response = await pages.get("/docs/favicon-32x32.png", headers={"range": ranges})

    assert (response.status_code, response.content) == (200, whole.content)


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/problems", "/problems/not_found"])
async def test_a_page_may_use_nothing_but_this_server(pages: httpx.AsyncClient, path: str) -> None:
    policy = (await pages.get(path)).headers["content-security-policy"]

    directives = dict(directive.split(maxsplit=1) for directive in policy.split("; "))
    assert directives.pop("img-src") == "'self' data:"  # Swagger UI's stylesheet has its icons in itself
    assert directives["default-src"] == directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert set(directives.values()) == {"'none'", "'self'"}


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs%2fstart.js", "/problems%2Fnot_found"])
async def test_what_is_not_there_is_not_found(pages: httpx.AsyncClient, path: str) -> None:
    with pytest.raises(PathNotFound):
        await pages.get(path)


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/problems", "/problems/not_found", "/problems/style.css"])
async def test_under_a_prefix_a_page_is_there_alone(path: str) -> None:
    pages = serve("/under/here")

    response = await pages.get(f"/under/here{path}")

    assert response.status_code == 200
    with pytest.raises(PathNotFound):
        await pages.get(path)


@pytest.mark.parametrize("prefix", ["", "/prefix"])
@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/not_found"])
async def test_every_address_in_a_page_leads_to_a_page_or_file(prefix: str, path: str) -> None:
    pages = serve(prefix)
    page = await pages.get(prefix + path)
    addresses = [each for each in re.findall(r'(?:href|src)="([^"]*)"', page.text) if not each.startswith("data:")]

    answers = [await pages.get(str(page.url.join(address))) for address in addresses]

    assert len(answers) >= 3
    assert [answer.status_code for answer in answers] == [200] * len(addresses)


@pytest.mark.parametrize("prefix", ["", "/prefix", "/under/here"])
@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/problems", "/problems/not_found"])
async def test_a_slash_at_the_end_of_a_page_leads_to_it_relative_to_where_it_is(prefix: str, path: str) -> None:
    pages = serve(prefix)

    response = await pages.get(f"{prefix}{path}/")

    assert response.status_code == 308
    assert response.headers["location"].startswith("../")
    assert response.url.join(response.headers["location"]).path == prefix + path


async def test_a_prefix_without_its_slash_leads_to_the_root() -> None:
    response = await serve("/under/here").get("/under/here")

    assert response.status_code == 308
    assert response.url.join(response.headers["location"]).path == "/under/here/"


@pytest.mark.parametrize("path", ["/docs/", "/docs/start.js/"])
async def test_no_slash_leads_to_a_page_that_is_not_served(path: str) -> None:
    with pytest.raises(PathNotFound):
        await serve(swagger_ui=False).get(path)


@pytest.mark.parametrize("path", ["/docs//", "/problems/nothing/", "/docs%2f"])
async def test_other_slashes_lead_nowhere(pages: httpx.AsyncClient, path: str) -> None:
    with pytest.raises(PathNotFound):
        await pages.get(path)


@pytest.mark.parametrize(
    "accept", ["text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "TEXT/HTML;q=0.1"]
)
@pytest.mark.parametrize("prefix", ["", "/prefix"])
async def test_people_are_shown_what_is_served(prefix: str, accept: str) -> None:
    response = await serve(prefix).get(f"{prefix}/", headers={"accept": accept})

    addresses = re.findall(r'<a href="([^"]*)"', response.text)
    assert (response.status_code, response.headers["vary"]) == (200, "Accept")
    assert [response.url.join(address).path for address in addresses] == [
        f"{prefix}{path}" for path in ("/docs", "/api/v1/openapi.json", "/api/v1/openapi.yaml", "/guides", "/problems")
    ]


@pytest.mark.parametrize(
    "accept", ["*/*", "", "application/json", "text/html;q=0", "text/html;q=0.5, application/json", "text/html;q=x"]
)
@pytest.mark.parametrize("prefix", ["", "/prefix"])
async def test_programs_are_led_to_the_contract(prefix: str, accept: str) -> None:
    response = await serve(prefix).get(f"{prefix}/", headers={"accept": accept})

    assert (response.status_code, response.headers["vary"]) == (303, "Accept")
    assert response.url.join(response.headers["location"]).path == f"{prefix}/api/v1/openapi.json"


async def test_a_contract_that_is_not_published_is_not_led_to() -> None:
    withheld = serve(swagger_ui=False, contract=False)

    page = await withheld.get("/", headers={"accept": "text/html"})

    assert re.findall(r'<a href="([^"]*)"', page.text) == ["guides", "problems"]
    with pytest.raises(PathNotFound):
        await withheld.get("/", headers={"accept": "application/json"})


@pytest.mark.parametrize("prefix", ["", "/prefix"])
async def test_every_guide_can_be_read_and_is_found_from_the_list(prefix: str) -> None:
    pages = serve(prefix)

    listed = await pages.get(f"{prefix}/guides")
    addresses = [address for address in re.findall(r'<a href="([^"]*)"', listed.text) if "/" in address]
    guides = [await pages.get(str(listed.url.join(address))) for address in addresses]

    assert {address.removeprefix("guides/") for address in addresses} == {path.stem for path in DOCS.glob("*.md")}
    for guide in guides:
        assert guide.status_code == 200
        assert "<h1>" in guide.text


def test_every_guide_is_in_the_wheel() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert {path for path in included if path.startswith("docs/")} == {
        f"docs/{path.name}" for path in DOCS.glob("*.md")
    }


async def test_swagger_ui_leads_to_guides_and_problem_types(pages: httpx.AsyncClient) -> None:
    page = await pages.get("/docs")

    assert re.findall(r'<a href="([^"]*)"', page.text) == ["problems", "guides"]


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/", "/problems/not_found"])
async def test_a_page_can_only_be_read(pages: httpx.AsyncClient, path: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        await pages.post(path)

    assert caught.value.headers == {"Allow": "GET, HEAD"}
    assert (await pages.head(path)).status_code in {200, 303, 308}


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
async def test_a_problem_type_leads_to_what_it_means_and_what_to_do(error: type[AutomationError]) -> None:
    page = await serve("/prefix").get(f"/prefix/problems/{error.code}")

    text = re.sub(r"</?code>", "", page.text).replace("&#x27;", "'").replace("&quot;", '"')
    assert f"<h1>{error.title}</h1>" in text
    assert f"Status {error.status}, {error.code}" in text
    assert f"<p>{error.default}</p>" in text
    assert f"<p>{error.advice.replace('`', '')}</p>" in text
    assert f'"type": "/prefix/problems/{error.code}"' in text


async def test_the_list_of_problem_types_is_the_error_tree(pages: httpx.AsyncClient) -> None:
    page = await pages.get("/problems")

    listed = re.findall(r'<td>(\d{3})</td><td><a href="problems/(\w+)">', page.text)
    assert listed == [(str(error.status), error.code) for error in all_errors()]


@pytest.mark.parametrize("path", ["/problems", "/problems/not_found"])
async def test_without_swagger_ui_nothing_leads_to_it(path: str) -> None:
    pages = serve(swagger_ui=False)

    page = await pages.get(path)

    assert "docs" not in page.text
    with pytest.raises(PathNotFound):
        await pages.get("/docs")
