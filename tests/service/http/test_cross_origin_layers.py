"""Layers of cross-origin requests, each around a tiny application: what it answers itself, and what it passes on."""

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from automation.service.http.cross_origin import EXPOSED, METHODS, CrossOrigin, Preflights

OURS, THEIRS = "https://app.example.com", "https://evil.example.com"


class Within:
    """An application that answers everything with 204, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.append(scope.get("method", scope["type"]))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})


async def answered(
    layer: type[CrossOrigin | Preflights], method: str, **headers: str
) -> tuple[httpx.Response, list[str]]:
    within = Within()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(layer(within, [OURS])), base_url="http://service"
    ) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.request(method, "/", headers=named), within.asked


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_a_page_of_ours_may_read_every_answer(method: str) -> None:
    answer, asked = await answered(CrossOrigin, method, origin=OURS)

    assert asked == [method]
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-expose-headers"] == ", ".join(EXPOSED)
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_of_theirs_may_read_none() -> None:
    answer, asked = await answered(CrossOrigin, "GET", origin=THEIRS)

    assert asked == ["GET"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", METHODS)
async def test_a_preflight_of_ours_is_answered_before_anything_within(method: str) -> None:
    answer, asked = await answered(
        Preflights,
        "OPTIONS",
        origin=OURS,
        access_control_request_method=method,
        access_control_request_headers="x-api-key",
        access_control_request_private_network="true",
    )

    assert (answer.status_code, asked) == (200, [])
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert method in answer.headers["access-control-allow-methods"]
    assert "x-api-key" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", {"origin": THEIRS, "access_control_request_method": "GET"}),
        ("OPTIONS", {"origin": OURS, "access_control_request_method": "TRACE"}),
        ("OPTIONS", {"access_control_request_method": "GET"}),
        ("OPTIONS", {"origin": OURS}),
        ("OPTIONS", {}),
        ("GET", {"origin": OURS, "access_control_request_method": "GET"}),
    ],
)
async def test_whatever_is_no_preflight_of_ours_is_passed_on(method: str, headers: dict[str, str]) -> None:
    answer, asked = await answered(Preflights, method, **headers)

    assert (answer.status_code, asked) == (204, [method])


@pytest.mark.parametrize("layer", [CrossOrigin, Preflights])
async def test_what_is_no_request_is_passed_on(layer: type[CrossOrigin | Preflights]) -> None:
    within = Within()

    async def nothing(*_: object) -> None:
        raise AssertionError

    await layer(within, [OURS])({"type": "lifespan", "method": "OPTIONS"}, nothing, nothing)  # type: ignore[arg-type]

    assert len(within.asked) == 1
