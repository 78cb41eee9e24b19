"""Admits what other systems send to hooks, where a token in the path stands for an API key.

Whoever has no token is told what any unknown path is told, before anything else of the request is looked at; too many
of such are slowed down like too many refused keys. ``Problems`` sees to it that both answers take as long.
"""

from collections.abc import Callable
from dataclasses import replace

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.endpoint import Endpoint
from automation.contract.serving.request_context import note_hook
from automation.domain.errors import PathNotFound
from automation.domain.hooks import hook_digest, is_token
from automation.storage.hooks import HookDirectory
from security.rate_limits import RateLimits
from security.refused_keys import RefusedKeys


class Hooks:
    """Resolves tokens to hooks.

    Args:
        directory: Where they are known.
        rates: What limits the requests to those that there are; None for nothing.
        refused: Counts the tokens that are refused, with the keys; None where nobody does.
        client_of: Returns the address that a request came from.
    """

    def __init__(
        self,
        directory: HookDirectory,
        rates: RateLimits | None,
        refused: RefusedKeys | None,
        client_of: Callable[[Scope], str | None],
    ) -> None:
        self._directory = directory
        self._rates = rates
        self._refused = refused
        self._client_of = client_of

    def guard(self, endpoint: Endpoint, next_app: ASGIApp) -> ASGIApp:
        """Return what passes on an endpoint's requests where they have a token, if the endpoint takes one."""
        parameter = endpoint.operation.hook
        return next_app if parameter is None else _TokenRequired(self, parameter, next_app)

    async def admit(self, scope: Scope, token: str) -> None:
        """Return if a token stands for a hook, which is left in the scope, and its tenant may be sent another request.

        Raises:
            PathNotFound: There is none.
            TooManyRefusedKeys: There is none, and too many came from the same address.
            RateLimited: The tenant has sent, and was sent, as much as its limit lets in.
            Unavailable: The directory did not answer.
        """
        hook = await self._directory.find(hook_digest(token)) if is_token(token) else None
        if hook is None:
            if self._refused is not None:
                await self._refused.count(self._client_of(scope), PathNotFound(), None)
            raise PathNotFound
        if self._rates is not None:
            hook = replace(hook, allowances=self._rates.of_tenant(hook.tenant, hook.requests))
        note_hook(scope, hook)  # what is left is told, also where it is nothing
        if self._rates is not None:
            await self._rates.take(hook.allowances)


class _TokenRequired:
    def __init__(self, hooks: Hooks, parameter: str, next_app: ASGIApp) -> None:
        self._hooks = hooks
        self._parameter = parameter
        self._next_app = next_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._hooks.admit(scope, scope["path_params"][self._parameter])
        await self._next_app(scope, receive, send)
