"""Permissions decide who may do what; operations that name none are refused at start."""

from typing import Any

import pytest

from automation.contract.document.findings import ContractError
from security.authenticator import Authenticator
from tests.security.directories import MemoryDirectory
from tests.security.services import PROTECTED, build, client, contract


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PROTECTED.items() if key != name}


async def test_a_principal_without_the_permission_is_refused_and_told_which(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add(permissions=frozenset({"automation:other"})).key

    async with client(build(authenticator, contract())) as caller:
        response = await caller.get("/protected", headers={"x-api-key": key.plaintext})

    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"
    assert response.json()["detail"] == "This operation requires the permission automation:read."


async def test_a_principal_with_the_permission_is_let_in(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add(permissions=frozenset({"automation:other", "automation:read"})).key

    async with client(build(authenticator, contract())) as caller:
        response = await caller.get("/protected", headers={"x-api-key": key.plaintext})

    assert response.status_code == 200


async def test_an_operation_that_requires_none_lets_in_whoever_has_a_key(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add(permissions=frozenset()).key
    operation = PROTECTED | {"x-required-permission": "none"}

    async with client(build(authenticator, contract(operation))) as caller:
        with_key = await caller.get("/protected", headers={"x-api-key": key.plaintext})
        without_key = await caller.get("/protected")

    assert (with_key.status_code, without_key.status_code) == (200, 401)


async def test_head_is_held_to_the_same_permission_as_get(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add(permissions=frozenset()).key

    async with client(build(authenticator, contract())) as caller:
        response = await caller.head("/protected", headers={"x-api-key": key.plaintext})

    assert response.status_code == 403


async def test_a_refused_request_of_a_limited_key_is_a_use(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    stored = directory.add(permissions=frozenset(), usage_limit=5)

    async with client(build(authenticator, contract())) as caller:
        await caller.get("/protected", headers={"x-api-key": stored.key.plaintext})

    assert stored.usage_count == 1


@pytest.mark.parametrize(
    ("operation", "finding"),
    [
        (without("x-required-permission"), "neither public"),
        (PROTECTED | {"x-required-permission": "automation:unheard"}, "does not exist"),
        (PROTECTED | {"x-required-permission": ["automation:read"]}, "does not exist"),
        (PROTECTED | {"security": []}, "without a key"),
        (PROTECTED | {"security": [{"ApiKey": []}, {}]}, "without a key"),
        (without("x-required-permission") | {"security": [{}]}, "neither public"),
    ],
)
def test_an_operation_that_does_not_say_who_may_call_it_stops_the_start(
    directory: MemoryDirectory, operation: dict[str, Any], finding: str
) -> None:
    with pytest.raises(ContractError, match=finding) as raised:
        build(Authenticator(directory), contract(protected=operation))

    assert [found.where for found in raised.value.findings] == ["GET /protected"]
