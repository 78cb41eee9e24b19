"""The pages for people, and Swagger UI's own files."""

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from automation.domain.errors import PathNotFound
from automation.service.documentation import Documentation

ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise PathNotFound


@pytest.fixture
def pages() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Documentation(nothing, swagger_ui=True)), base_url="http://pages"
    )


@pytest.mark.parametrize("asset", ASSETS)
async def test_an_asset_is_sent_with_its_version_and_the_headers_of_every_page(
    pages: httpx.AsyncClient, asset: str
) -> None:
    response = await pages.get(f"/docs/{asset}")

    page = await pages.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == ASSETS[asset]
    assert response.headers["etag"].startswith('"')
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"):
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


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs%2fstart.js", "/problems%2Fnot_found"])
async def test_what_is_not_there_is_not_found(pages: httpx.AsyncClient, path: str) -> None:
    with pytest.raises(PathNotFound):
        await pages.get(path)
