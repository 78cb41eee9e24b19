"""Trigger data: what a request of any kind has started a run with can be read again, or the request was refused."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest

from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, RULES, Tenant, rule_input

EVENTS = "/api/v1/automation/events"
MOST_OF_A_HOOK, MOST_OF_A_BODY = 1024 * 1024, 64 * 1024
JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"
ATTRIBUTES = {"ce-id": "1", "ce-type": "order.created", "ce-source": "https://shop.example", "ce-specversion": "1.0"}
HUNDREDS = b"&".join(b"%%01%03d=" % number for number in range(1000))


def filled(start: bytes, part: bytes, end: bytes = b"", *, most: int = MOST_OF_A_HOOK) -> bytes:
    """Return a body that is as large as one may be, of one part over and over."""
    return start + part * ((most - len(start) - len(end)) // len(part)) + end


def delivered(tenant: Tenant, content: bytes, media_type: str, query: str = "") -> httpx.Response:
    """Send something to a new hook."""
    return tenant.client.post(tenant.create_hook() + query, content=content, headers={"content-type": media_type})


def document_of(tenant: Tenant, execution: str) -> dict[str, Any]:
    """Return an execution, which can be read alone and in lists."""
    read = tenant.ask("GET", f"{EXECUTIONS}/{execution}")
    attempts = tenant.ask("GET", f"{EXECUTIONS}/{execution}/attempts")
    assert [each.status_code for each in (read, attempts)] == [HTTPStatus.OK, HTTPStatus.OK], read.text[:500]
    document: dict[str, Any] = read.json()["data"]
    return document


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (TEXT, filled(b"", b"\x01")),
        (TEXT, filled(b"", b"\x00")),
        (TEXT, filled(b"", b'"')),
        (FORM, filled(b"a=", b"\x01")),
        (FORM, filled(b"", b"\x01")),
        (FORM, filled(b"a=", b"%01")),
        (FORM, filled(HUNDREDS, b"%00")),
        (FORM, filled(b"a=", b"+\n")),
    ],
)
def test_a_delivery_that_is_too_large_when_it_is_escaped_is_refused_and_starts_nothing(
    tenant: Tenant, media_type: str, content: bytes
) -> None:
    problem = problem_of(delivered(tenant, content, media_type), 413, "content_too_large")

    assert "1310720 bytes" in problem["detail"]
    assert tenant.ask("GET", EXECUTIONS).json()["data"] == []


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (TEXT, filled(b"", "é".encode())),
        (TEXT, filled(b"", b'abc"')[:1_000_000]),
        (TEXT, filled(b"", b"\x01", most=200_000)),
        (FORM, filled(b"a=", b"%C3%A9")),
        (FORM, filled(b"a=", b"%")),
        (FORM, filled(HUNDREDS, b"%01", most=500_000)),
        (JSON, filled(b'"', b"\\u0001", b'"')),
        (JSON, filled(b'"', b"\\u0000", b'"')),
        (JSON, filled(b'["', b"\\n", b'"]')),
        (JSON, filled(b"[", b"9" * 20 + b",", b"1]")),
        (JSON, filled(b"[1", b" ", b"]")),
    ],
)
def test_a_delivery_that_is_accepted_can_be_read(tenant: Tenant, media_type: str, content: bytes) -> None:
    response = delivered(tenant, content, media_type, f"?q={'%01' * 10_000}")

    assert response.status_code == HTTPStatus.ACCEPTED, response.text
    trigger = document_of(tenant, response.json()["data"]["execution_id"])["trigger_data"]
    assert trigger["query"] == {"q": "\x01" * 10_000}
    assert trigger["body"]


@pytest.mark.parametrize("part", [b"\\u0001", b"\\u0000", '\u00e9"'.encode().replace(b'"', b'\\"')])
def test_an_execution_with_the_largest_data_can_be_read_and_so_can_its_retry(tenant: Tenant, part: bytes) -> None:
    content = filled(b'{"trigger_data":{"a":"', part, b'"}}', most=MOST_OF_A_BODY)
    rule, headers = tenant.create_rule(), {"content-type": JSON}

    started = tenant.ask("POST", f"{RULES}/{rule['rule_id']}/execute", headers, content=content)
    failed = tenant.add_failed_execution(rule)
    retried = tenant.ask("POST", f"{failed}/retry", headers, content=content)

    assert (started.status_code, retried.status_code) == (HTTPStatus.ACCEPTED, HTTPStatus.OK)
    for response in (started, retried):
        assert document_of(tenant, response.json()["data"]["execution_id"])["trigger_data"]["a"]


@pytest.mark.parametrize(
    ("size", "status"), [(10_800, HTTPStatus.ACCEPTED), (11_000, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)]
)
def test_an_event_counts_as_it_is_kept(tenant: Tenant, size: int, status: HTTPStatus) -> None:
    tenant.post(RULES, rule_input(trigger_type="event", trigger_config={"types": ["order.created"]}))

    response = tenant.ask("POST", EVENTS, {**ATTRIBUTES, "content-type": TEXT}, content=b"\x01" * size)

    assert response.status_code == status, response.text
    for started in response.json().get("data", []):
        for execution in started["executions"]:
            assert document_of(tenant, execution["execution_id"])["trigger_data"]["data"] == "\x01" * size
