"""Refusals of the scheme: each is noted for the log, and counted by the address that it came from, but for no key."""

from typing import Any

import pytest
from connexion.lifecycle import ConnexionRequest

from automation.contract.serving.request_context import refused_key_if_any
from automation.domain.errors import ApiKeyInvalid, ApiKeyMissing, InvalidParameter, TooManyRefusedKeys
from security.authenticator import Authenticator
from security.key_format import generate
from security.refused_keys import RefusedKeys
from security.scheme import ApiKeyScheme, Verify
from tests.security.directories import MemoryDirectory
from tests.security.services import SCHEME

MOST = 2


@pytest.fixture
def refused() -> RefusedKeys:
    return RefusedKeys(MOST, held_seconds=0)


@pytest.fixture
def verify(authenticator: Authenticator, refused: RefusedKeys) -> Verify:
    return ApiKeyScheme(authenticator, refused, lambda scope: scope["from"]).get_fn(SCHEME, [])


def request(*headers: tuple[bytes, bytes], client: str = "192.0.2.1") -> Any:
    scope = {"type": "http", "headers": list(headers), "extensions": {}, "from": client}
    return ConnexionRequest(scope)


def with_key(key: str, client: str = "192.0.2.1") -> Any:
    return request((b"x-api-key", key.encode()), client=client)


async def test_too_many_refused_keys_of_an_address_are_slowed_down_and_those_of_another_are_not(verify: Verify) -> None:
    for _ in range(MOST):
        with pytest.raises(ApiKeyInvalid):
            await verify(with_key(generate().plaintext))

    with pytest.raises(TooManyRefusedKeys):
        await verify(with_key(generate().plaintext))
    with pytest.raises(ApiKeyInvalid):
        await verify(with_key(generate().plaintext, client="192.0.2.2"))


async def test_a_good_key_is_let_in_from_any_address_and_counts_for_none(
    verify: Verify, refused: RefusedKeys, directory: MemoryDirectory
) -> None:
    stored = directory.add()
    for _ in range(MOST + 3):
        with pytest.raises((ApiKeyInvalid, TooManyRefusedKeys)):
            await verify(with_key(generate().plaintext))

    token_info = await verify(with_key(stored.key.plaintext))
    await verify(with_key(stored.key.plaintext, client="192.0.2.2"))

    assert token_info == {"sub": stored.principal.user, "principal": stored.principal}
    assert len(refused) == 1


async def test_no_key_and_two_keys_are_no_guesses(verify: Verify, refused: RefusedKeys) -> None:
    key = (b"x-api-key", generate().plaintext.encode())
    for _ in range(MOST + 3):
        with pytest.raises(ApiKeyMissing):
            await verify(request())
        with pytest.raises(InvalidParameter):
            await verify(request(key, key))

    assert len(refused) == 0


async def test_of_a_refused_key_its_prefix_is_noted_and_of_what_is_none_nothing(verify: Verify) -> None:
    key = generate()
    noted = []
    for asked in (with_key(key.plaintext), with_key("x" * 52), request()):
        with pytest.raises((ApiKeyInvalid, ApiKeyMissing)):
            await verify(asked)
        noted.append((refused_key_if_any(asked.scope), len(asked.scope["extensions"])))

    assert noted == [(key.prefix, 1), (None, 1), (None, 1)]


async def test_where_nobody_counts_each_refusal_is_like_the_first(authenticator: Authenticator) -> None:
    verify = ApiKeyScheme(authenticator).get_fn(SCHEME, [])

    for _ in range(MOST + 3):
        with pytest.raises(ApiKeyInvalid):
            await verify(with_key(generate().plaintext))


async def test_the_address_of_a_request_is_nobodys_where_nothing_says_otherwise(
    authenticator: Authenticator, refused: RefusedKeys
) -> None:
    verify = ApiKeyScheme(authenticator, refused).get_fn(SCHEME, [])

    for _ in range(MOST + 3):
        with pytest.raises(ApiKeyInvalid):
            await verify(with_key(generate().plaintext))

    assert len(refused) == 0
