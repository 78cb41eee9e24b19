"""Requests to hooks are let in by their token; without one they find nothing, and are slowed down if there are many."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from automation.contract.serving.request_context import hook
from automation.domain.errors import PathNotFound, RateLimited, TooManyRefusedKeys
from automation.domain.hooks import Hook, HookToken, hook_digest, is_token, without_tokens
from automation.domain.limits import Limit
from security.hooks import Hooks
from security.rate_limits import RateLimits
from security.refused_keys import RefusedKeys
from tests.security.directories import Clock
from tests.security.windows import MemoryWindows

MOST = 3
HOOK = Hook(tenant=UUID(int=1), rule_id=UUID(int=2), config={}, requests=2)
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


async def test_guesses_from_one_address_slow_down_no_other(directory: Any) -> None:
    hooks = Hooks(directory, None, RefusedKeys(0, held_seconds=0), lambda scope: scope["client"])

    with pytest.raises(TooManyRefusedKeys):
        await hooks.admit({"extensions": {}, "client": "192.0.2.1"}, "guessed")
    with pytest.raises(PathNotFound):
        await hooks.admit({"extensions": {}, "client": None}, "guessed")


async def test_where_nobody_counts_a_guess_finds_nothing_and_a_token_its_hook(directory: Any) -> None:
    hooks = Hooks(directory, None, None, lambda _scope: "192.0.2.1")
    scope: dict[str, Any] = {"extensions": {}}

    with pytest.raises(PathNotFound):
        await hooks.admit({"extensions": {}}, HookToken.generate().plaintext)
    await hooks.admit(scope, TOKEN.plaintext)

    assert hook(scope) == HOOK
    assert hook(scope).allowances == ()


async def test_requests_count_against_the_limit_of_the_hooks_tenant_and_a_refused_one_is_told_what_is_left(
    directory: Any, clock: Clock
) -> None:
    rates = RateLimits(MemoryWindows(), {Limit.REQUESTS_PER_MINUTE: 100}, clock=clock)
    hooks = Hooks(directory, rates, None, lambda _scope: "192.0.2.1")
    scopes: list[dict[str, Any]] = [{"extensions": {}} for _ in range(3)]
    for scope in scopes[:2]:
        await hooks.admit(scope, TOKEN.plaintext)

    with pytest.raises(RateLimited, match="The tenant's limit of 2 requests"):
        await hooks.admit(scopes[2], TOKEN.plaintext)

    (allowance,) = rates.of_tenant(HOOK.tenant, HOOK.requests)
    assert [hook(scope).allowances for scope in scopes] == [(allowance,)] * 3


async def test_an_endpoint_that_takes_a_token_is_reached_with_one_alone_and_any_other_is_left_as_it_is(
    hooks: Hooks,
) -> None:
    reached: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        reached.append((scope, receive, send))

    def endpoint(parameter: str | None) -> Any:
        return SimpleNamespace(operation=SimpleNamespace(hook=parameter))

    guarded: Any = hooks.guard(endpoint("hook_token"), application)
    scopes = [{"extensions": {}, "path_params": {"hook_token": text}} for text in (TOKEN.plaintext, "guessed")]

    await guarded(scopes[0], "receive", "send")
    with pytest.raises(PathNotFound):
        await guarded(scopes[1], "receive", "send")

    assert reached == [(scopes[0], "receive", "send")]
    assert hook(scopes[0]) == HOOK
    assert hooks.guard(endpoint(None), application) is application


def test_a_token_has_256_bits_and_is_kept_as_a_hash() -> None:
    assert len(TOKEN.plaintext) == len("hook_") + 43
    assert TOKEN.plaintext != HookToken.generate().plaintext
    assert TOKEN.digest == hook_digest(TOKEN.plaintext)
    assert len(TOKEN.digest) == 32
    assert TOKEN.plaintext not in repr(TOKEN)


def test_a_token_is_recognised_and_left_out_of_what_is_logged() -> None:
    assert is_token(TOKEN.plaintext)
    assert without_tokens(f"/api/v1/automation/hooks/{TOKEN.plaintext}/") == "/api/v1/automation/hooks/hook_***/"
