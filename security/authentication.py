"""The contract's security function: who is calling, by API key and tenant header."""

from typing import TypedDict
from uuid import UUID

from automation.domain.principal import Principal
from security.authenticator import Principals


class TokenInfo(TypedDict):
    """What Connexion keeps of an authenticated request, under ``token_info`` in its context.

    ``sub`` is the name under which Connexion expects the user.
    """

    sub: UUID
    principal: Principal


async def authenticate(api_key: str, tenant: str | None, principals: Principals) -> TokenInfo:
    """Return who is calling; named by the contract in ``x-apikeyInfoFunc``.

    Args:
        api_key: The key, trimmed.
        tenant: The tenant header, trimmed; None where the request has none.
        principals: Where keys become principals.

    Raises:
        Unauthenticated: The key is not accepted, or not for that tenant; the concrete class says why.
        InvalidParameter: The key is good, and the tenant header is not a UUID.
        Unavailable: The keys' directory did not answer.
    """
    principal = await principals.resolve(api_key, tenant)
    return {"sub": principal.user, "principal": principal}
