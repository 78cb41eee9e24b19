"""Problem documents as a client gets them: each is checked for what all problems have in common."""

from collections.abc import Mapping
from typing import Any

import httpx


def problem_of(response: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    """Check that a response is the problem it should be, and return its document."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"/problems/{code}"
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["instance"] == f"urn:request:{document['request_id']}"
    assert len(document["detail"]) <= 300
    return document
