"""Requests to hooks are let in by their token; without one they find nothing, and are slowed down if there are many."""

from typing import Any
from uuid import UUID

import pytest

from automation.contract.serving.request_context import hook
from automation.domain.errors import PathNotFound, TooManyRefusedKeys
from automation.domain.hooks import Hook, HookToken, hook_digest, is_token, without_tokens
from security.hooks import Hooks
from security.refused_keys import RefusedKeys

MOST = 3
HOOK = Hook(tenant=UUID(int=1), rule_id=UUID(int=2), config={})
TOKEN = HookToken.generate()


class Directory:
    """A directory with one hook, which remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def find(self, digest: bytes) -> Hook | None:
        self.asked.append(digest)
        return HOOK if digest == TOKEN.digest else None


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def hooks(directory: Any) -> Hooks:
    return Hooks(directory, None, RefusedKeys(MOST, held_seconds=0), lambda _scope: "192.0.2.1")


async def test_a_token_leads_to_its_hook(hooks: Hooks) -> None:
    scope: dict[str, Any] = {"extensions": {}}

    await hooks.admit(scope, TOKEN.plaintext)

    assert hook(scope) == HOOK


@pytest.mark.parametrize(
    "text", ["", "hook_", "hook_" + "a" * 42, "hook_" + "a" * 43 + "\n", "a" * 48, "hook_" + "é" * 43]
)
async def test_what_is_no_token_is_not_looked_up(hooks: Hooks, directory: Directory, text: str) -> None:
    with pytest.raises(PathNotFound):
        await hooks.admit({"extensions": {}}, text)

    assert directory.asked == []


async def test_an_address_that_guesses_is_slowed_down_and_one_that_has_a_token_is_let_in(hooks: Hooks) -> None:
    for _ in range(MOST):
        with pytest.raises(PathNotFound):
            await hooks.admit({"extensions": {}}, HookToken.generate().plaintext)

    with pytest.raises(TooManyRefusedKeys):
        await hooks.admit({"extensions": {}}, HookToken.generate().plaintext)
    await hooks.admit({"extensions": {}}, TOKEN.plaintext)


def test_a_token_has_256_bits_and_is_kept_as_a_hash() -> None:
    assert len(TOKEN.plaintext) == len("hook_") + 43
    assert TOKEN.plaintext != HookToken.generate().plaintext
    assert TOKEN.digest == hook_digest(TOKEN.plaintext)
    assert len(TOKEN.digest) == 32
    assert TOKEN.plaintext not in repr(TOKEN)


def test_a_token_is_recognised_and_left_out_of_what_is_logged() -> None:
    assert is_token(TOKEN.plaintext)
    assert without_tokens(f"/api/v1/automation/hooks/{TOKEN.plaintext}/") == "/api/v1/automation/hooks/hook_***/"
