"""Pages of other sites: what their browsers are told, of the service as it is assembled."""

from functools import cache

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.types import ASGIApp

from automation.service.application import create
from automation.service.http.cross_origin import EXPOSED
from automation.service.settings import Settings
from tests.shipped_contract.shipped import DOCUMENT

OURS = "https://app.example.com"
THEIRS = "https://evil.example.com"
RULES = "/api/v1/automation/rules"
ALWAYS_READABLE = {"Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified"}


def service(origins: str) -> httpx.AsyncClient:
    """Return a client of the service, whose database is never asked."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(_application(origins)), base_url="http://service")


@cache
def _application(origins: str) -> ASGIApp:
    settings = Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"), cors_origins=origins)
    return create(settings, document=dict(DOCUMENT))


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    """Return what a browser asks before a page's request with a key."""
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "content-type,idempotency-key,x-api-key,x-tenant-id",
    }


@pytest.mark.parametrize("path", [RULES, "/nothing", "/docs"])
async def test_a_preflight_of_an_origin_that_is_named_is_answered_without_a_key(path: str) -> None:
    async with service(f"http://localhost:3000, {OURS}") as client:
        answer = await client.options(path, headers=preflight(OURS))

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OURS
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"idempotency-key", "x-api-key"} <= set(answer.headers["access-control-allow-headers"].split(","))
    assert answer.headers["access-control-max-age"] == "600"
    assert "Origin" in answer.headers["vary"]
    assert answer.headers["x-request-id"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("origins", "origin", "method"),
    [
        ("", OURS, "POST"),
        (OURS, THEIRS, "POST"),
        (OURS, "null", "POST"),
        (OURS, OURS + ".evil.example", "POST"),
        (OURS, "http://app.example.com", "POST"),
        (OURS, OURS, "TRACE"),
    ],
)
async def test_any_other_preflight_is_a_method_that_is_not_allowed(origins: str, origin: str, method: str) -> None:
    async with service(origins) as client:
        answer = await client.options(RULES, headers=preflight(origin, method))

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers.get("access-control-allow-origin") in {None, OURS}
    assert origin == OURS or "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", RULES, "/nothing", "/docs", "/api/v1/openapi.json"])
async def test_a_page_of_an_origin_that_is_named_reads_every_answer_and_its_headers(path: str) -> None:
    async with service(OURS) as client:
        answer = await client.get(path, headers={"origin": OURS})

    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-expose-headers"] == ", ".join(EXPOSED)
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("headers", [{}, {"origin": THEIRS}, {"origin": "null"}])
async def test_what_another_origin_is_answered_is_kept_apart_by_caches(headers: dict[str, str]) -> None:
    async with service(OURS) as client:
        answer = await client.get("/healthz", headers=headers)

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]


async def test_every_origin_may_be_named_at_once() -> None:
    async with service("*") as client:
        answer = await client.get("/healthz", headers={"origin": THEIRS})
        before = await client.options(RULES, headers=preflight(THEIRS))

    assert answer.headers["access-control-allow-origin"] == before.headers["access-control-allow-origin"] == "*"


async def test_without_origins_nothing_is_said_of_them() -> None:
    async with service("") as client:
        answer = await client.get("/healthz", headers={"origin": OURS})

    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "vary" not in answer.headers


def test_every_header_that_the_contract_has_can_be_read() -> None:
    responses = [
        response
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
        for response in operation["responses"].values()
    ]
    named = {
        name for one in [*responses, *DOCUMENT["components"]["responses"].values()] for name in one.get("headers", ())
    }

    assert named - ALWAYS_READABLE - {"Vary"} <= set(EXPOSED)


@pytest.mark.parametrize(
    "origins",
    [
        "app.example.com",
        f"{OURS}/",
        f"{OURS}/path",
        "https://APP.example.com",
        f"*, {OURS}",
        "null",
        "https://*.example",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(origins: str) -> None:
    with pytest.raises(ValidationError, match="must be origins such as"):
        Settings(cors_origins=origins)
