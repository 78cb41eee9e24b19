"""Headers make a caller, asked of Connexion's security middleware with this project's scheme in it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from automation.contract.document.findings import ContractError
from automation.domain.errors import ApiKeyMissing, Unavailable
from security.authenticator import Authenticator
from tests.security.directories import Clock, MemoryDirectory
from tests.security.services import SCHEME, build, client, contract

Headers = list[tuple[bytes, bytes]]


async def ask(authenticator: Authenticator, headers: Headers) -> httpx.Response:
    async with client(build(authenticator, contract())) as caller:
        return await caller.get("/protected", headers=headers)


def outcome(response: httpx.Response) -> tuple[int, str, list[str]]:
    body = response.json()
    return response.status_code, body["code"], body["parameters"]


async def test_a_good_key_is_let_in(directory: MemoryDirectory, authenticator: Authenticator) -> None:
    key = directory.add().key

    response = await ask(authenticator, [(b"X-Api-Key", key.plaintext.encode())])

    assert (response.status_code, response.json()) == (200, {"caller": key.prefix})


async def test_blanks_around_key_and_tenant_do_not_matter(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    stored = directory.add()
    tenant = str(stored.principal.tenant).upper()
    headers = [
        (b"x-api-key", f" \t{stored.key.plaintext}\t ".encode()),
        (b"x-tenant-id", f"\t {tenant} ".encode()),
    ]

    response = await ask(authenticator, headers)

    assert response.status_code == 200


@pytest.mark.parametrize("headers", [[], [(b"x-api-key", b"")], [(b"x-api-key", b" \t ")]])
async def test_no_key_or_a_blank_one_is_a_missing_key(authenticator: Authenticator, headers: Headers) -> None:
    response = await ask(authenticator, headers)

    assert outcome(response) == (401, "api_key_missing", [])
    assert response.json()["detail"] == ApiKeyMissing.default


@pytest.mark.parametrize("header", [b"Authorization", b"Proxy-Authorization", b"api-key", b"apikey", b"X-ApiKey"])
@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"ApiKey ", b"Token ", b"Basic ", b""])
@pytest.mark.parametrize("blank", [[], [(b"x-api-key", b" ")]])
async def test_a_key_in_the_wrong_header_is_told_where_it_goes_and_is_not_repeated(
    directory: MemoryDirectory, authenticator: Authenticator, header: bytes, scheme: bytes, blank: Headers
) -> None:
    key = directory.add().key.plaintext

    response = await ask(authenticator, [*blank, (header, scheme + key.encode())])

    assert outcome(response) == (401, "api_key_missing", [])
    assert "x-api-key" in response.json()["detail"]
    assert key[3:11] not in response.text


@pytest.mark.parametrize("form", ["Bearer {}", "bearer\t{}", "ApiKey {}", "key={}", "key:{}", '"{}"', "'{}'", "<{}>"])
async def test_a_key_that_does_not_stand_alone_is_told_so_and_is_not_repeated(
    directory: MemoryDirectory, authenticator: Authenticator, form: str
) -> None:
    key = directory.add().key.plaintext

    response = await ask(authenticator, [(b"x-api-key", form.format(key).encode())])

    assert outcome(response) == (401, "api_key_invalid", [])
    assert "alone" in response.json()["detail"]
    assert key[3:11] not in response.text
    assert directory.lookups == []


async def test_an_authorization_of_somebody_else_beside_a_good_key_does_not_matter(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add().key.plaintext.encode()

    response = await ask(authenticator, [(b"authorization", b"Basic cHJveHk6cHJveHk="), (b"x-api-key", key)])

    assert response.status_code == 200


async def test_a_missing_key_comes_before_a_malformed_tenant(authenticator: Authenticator) -> None:
    response = await ask(authenticator, [(b"x-tenant-id", b"acme")])

    assert outcome(response) == (401, "api_key_missing", [])


@pytest.mark.parametrize("second", [b"", b"junk", None])
async def test_two_keys_are_an_invalid_parameter(
    directory: MemoryDirectory, authenticator: Authenticator, second: bytes | None
) -> None:
    key = directory.add().key.plaintext.encode()

    response = await ask(authenticator, [(b"x-api-key", key), (b"x-api-key", key if second is None else second)])

    assert outcome(response) == (400, "invalid_parameter", ["x-api-key"])


@pytest.mark.parametrize(
    "key",
    [
        b"junk",
        b"ak_" + b"0" * 49,
        b"\xff" * 52,
        "ключ".encode(),
        b"ak_" + b"0" * 48 + b"\xb2",
        b"x" * 8192,
        b"ak_" + b"0" * 48 + b"\x00",
    ],
)
async def test_a_malformed_key_is_invalid_and_costs_no_look_up(
    directory: MemoryDirectory, authenticator: Authenticator, key: bytes
) -> None:
    response = await ask(authenticator, [(b"x-api-key", key)])

    assert outcome(response) == (401, "api_key_invalid", [])
    assert directory.lookups == []


async def test_an_unknown_key_is_invalid(clock: Clock, authenticator: Authenticator) -> None:
    elsewhere = MemoryDirectory(clock).add().key.plaintext.encode()

    response = await ask(authenticator, [(b"x-api-key", elsewhere)])

    assert outcome(response) == (401, "api_key_invalid", [])


@pytest.mark.parametrize("tenant", [b"", b"acme", b"\xd9\xa7" * 18, b"%00"])
async def test_a_malformed_tenant_is_an_invalid_parameter(
    directory: MemoryDirectory, authenticator: Authenticator, tenant: bytes
) -> None:
    key = directory.add().key.plaintext.encode()

    response = await ask(authenticator, [(b"x-api-key", key), (b"x-tenant-id", tenant)])

    assert outcome(response) == (400, "invalid_parameter", ["x-tenant-id"])


async def test_two_tenants_are_an_invalid_parameter_although_they_are_the_same(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    stored = directory.add()
    tenant = (b"x-tenant-id", str(stored.principal.tenant).encode())

    response = await ask(authenticator, [(b"x-api-key", stored.key.plaintext.encode()), tenant, tenant])

    assert outcome(response) == (400, "invalid_parameter", ["x-tenant-id"])


async def test_a_refused_key_comes_before_a_malformed_tenant(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    stored = directory.add()
    stored.revoked = True

    response = await ask(authenticator, [(b"x-api-key", stored.key.plaintext.encode()), (b"x-tenant-id", b"acme")])

    assert outcome(response) == (401, "api_key_invalid", [])


async def test_another_tenant_comes_before_a_used_up_limit(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    stored = directory.add(usage_limit=0)
    key = (b"x-api-key", stored.key.plaintext.encode())

    with_tenant = await ask(authenticator, [key, (b"x-tenant-id", str(uuid4()).encode())])
    without = await ask(authenticator, [key])

    assert outcome(with_tenant) == (401, "api_key_tenant_mismatch", [])
    assert outcome(without) == (401, "api_key_over_limit", [])


async def test_a_directory_that_is_away_is_not_the_callers_fault(
    directory: MemoryDirectory, authenticator: Authenticator
) -> None:
    key = directory.add().key.plaintext.encode()
    directory.failure = Unavailable()

    response = await ask(authenticator, [(b"x-api-key", key)])

    assert outcome(response) == (503, "unavailable", [])


async def test_a_bug_surfaces_as_itself(directory: MemoryDirectory, authenticator: Authenticator) -> None:
    key = directory.add().key.plaintext.encode()
    bug = ZeroDivisionError("a bug")
    directory.failure = bug
    service = build(authenticator, contract())
    seen = []

    async def report(_: object, error: Exception) -> None:
        seen.append(error)
        raise error

    service.middleware_stack[0].add_exception_handler(Exception, report)
    async with client(service) as caller:
        with pytest.raises(ZeroDivisionError):
            await caller.get("/protected", headers=[(b"x-api-key", key)])

    assert seen == [bug]


async def test_a_public_operation_asks_for_no_key(authenticator: Authenticator) -> None:
    async with client(build(authenticator, contract())) as caller:
        response = await caller.get("/public", headers=[(b"x-api-key", b"junk")])

    assert (response.status_code, response.json()) == (200, {"caller": None})


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"x-apikeyInfoFunc": None}, "x-apikeyInfoFunc is missing"),
        ({"x-apikeyInfoFunc": "security.authenticator.nothing"}, "no function security.authenticator.nothing"),
        ({"x-apikeyInfoFunc": "nowhere.authenticate"}, "no function nowhere.authenticate"),
        ({"in": "query"}, "sent in a header"),
    ],
)
def test_a_scheme_that_cannot_work_stops_the_start(
    directory: MemoryDirectory, change: dict[str, Any], finding: str
) -> None:
    scheme = {name: value for name, value in (SCHEME | change).items() if value is not None}

    with pytest.raises(ContractError, match=finding):
        build(Authenticator(directory), contract(scheme=scheme))


def test_scopes_of_a_key_stop_the_start(directory: MemoryDirectory) -> None:
    document = contract() | {"security": [{"ApiKey": ["automation:read"]}]}

    with pytest.raises(ContractError, match="has no scopes"):
        build(Authenticator(directory), document)
