"""The contract's API key scheme, in the place of Connexion's: it takes exactly one key, and no malformed one.

Connexion's own handler takes the first of two keys, passes on empty ones and untrimmed ones, and reads non-ASCII bytes
as Latin-1.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.types import Scope

from automation.contract.document.findings import ContractError, Finding
from automation.contract.serving.connexion_adapter import (
    ApiKeySecurityHandler,
    ConnexionRequest,
    get_function_from_name,
)
from automation.contract.serving.request_context import note_refused_key
from automation.domain.errors import ApiKeyInvalid, ApiKeyMissing, InvalidParameter, Unauthenticated, Violation
from security.authenticator import TENANT_HEADER, Authenticator, TokenInfo
from security.key_format import LENGTH, display_prefix
from security.refused_keys import RefusedKeys

Verify = Callable[[ConnexionRequest], Awaitable[TokenInfo]]

_BLANKS = b" \t"
_TENANT_HEADER = TENANT_HEADER.encode("ascii")

_MISTAKEN = frozenset({b"authorization", b"proxy-authorization", b"api-key", b"apikey", b"x-apikey", b"x-auth-token"})
"""Headers that other services take keys in."""

_ELSEWHERE = "The request carries no API key: it goes into the header {}, alone, and is read from no other."
_ALONE = "The API key is not valid: the header {} takes the key alone, without a scheme such as Bearer, and unquoted."

_decorated = re.compile(rb"(?:[A-Za-z]+[ \t:=]|[\"'<]).*", re.DOTALL).fullmatch


class ApiKeyScheme(ApiKeySecurityHandler):  # type: ignore[misc]  # Connexion has no types
    """Reads the key and the tenant header of a request, and passes them to the contract's security function.

    Give it to Connexion as ``security_map={"apiKey": partial(ApiKeyScheme, authenticator)}``.

    Args:
        authenticator: Says whom a key stands for.
        refused: Counts the keys that are refused; None where nobody does.
        client_of: Returns the address that a request came from.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        refused: RefusedKeys | None = None,
        client_of: Callable[[Scope], str | None] = lambda _scope: None,
    ) -> None:
        self._authenticator = authenticator
        self._refused = refused
        self._client_of = client_of

    def get_fn(self, security_scheme: Mapping[str, Any], required_scopes: Sequence[str]) -> Verify:
        """Return the function that authenticates a request.

        Args:
            security_scheme: The scheme as the contract declares it.
            required_scopes: Must be empty: Connexion would not enforce them, permissions take their place.

        Raises:
            ContractError: The scheme is not a header's, or its security function is missing.
        """
        authenticate = self._security_function(security_scheme)
        if security_scheme.get("in") != "header":
            raise _broken("an API key is sent in a header")
        if required_scopes:
            raise _broken("an API key has no scopes; name a permission in x-required-permission")
        key_header = str(security_scheme["name"]).lower().encode("ascii")
        authenticator = self._authenticator

        async def verify(request: ConnexionRequest) -> TokenInfo:
            key = ""
            try:
                key, tenant = credentials(request.scope["headers"], key_header)
                token_info: TokenInfo = await authenticate(key, tenant, authenticator)
            except Unauthenticated as error:
                await self._refuse(request.scope, error, display_prefix(key))
                raise
            return token_info

        return verify

    async def _refuse(self, scope: Scope, error: Unauthenticated, prefix: str | None) -> None:
        note_refused_key(scope, prefix)
        if self._refused is not None and not isinstance(error, ApiKeyMissing):
            await self._refused.count(self._client_of(scope), error, prefix)

    def _security_function(self, security_scheme: Mapping[str, Any]) -> Callable[..., Awaitable[TokenInfo]]:
        name = security_scheme.get(self.security_definition_key)
        if not name:
            raise _broken(f"{self.security_definition_key} is missing")
        try:
            function: Callable[..., Awaitable[TokenInfo]] = get_function_from_name(name)
        except (ImportError, AttributeError) as error:
            raise _broken(f"there is no function {name}") from error
        return function


def credentials(headers: Iterable[tuple[bytes, bytes]], key_header: bytes) -> tuple[str, str | None]:
    """Return the key and the tenant header of a request, surrounding blanks removed; None where it names no tenant.

    Several tenant headers become one list, as RFC 9110, section 5.3 has it: that is no UUID, and refused as such once
    the key is found to be good.

    Args:
        headers: As ASGI has them: names in lower case, values as they were sent.
        key_header: The name of the key's header, in lower case.

    Raises:
        ApiKeyMissing: There is no key, or a blank one.
        ApiKeyInvalid: The key has other characters than ASCII's.
        InvalidParameter: There are several keys.
    """
    keys = []
    tenants = []
    misplaced = False
    for name, value in headers:
        if name == key_header:
            keys.append(value)
        elif name == _TENANT_HEADER:
            tenants.append(value.strip(_BLANKS))
        elif name in _MISTAKEN:
            misplaced = True
    if misplaced and not any(key.strip(_BLANKS) for key in keys):
        raise ApiKeyMissing(_ELSEWHERE.format(key_header.decode("ascii")))
    return _only(keys, key_header), b", ".join(tenants).decode("latin-1") if tenants else None


def _only(keys: Sequence[bytes], key_header: bytes) -> str:
    if len(keys) > 1:
        violation = Violation(parameter=key_header.decode("ascii"), message="must be given once only")
        raise InvalidParameter(violations=[violation])
    key = keys[0].strip(_BLANKS) if keys else b""
    if not key:
        raise ApiKeyMissing
    if _decorated(key):
        raise ApiKeyInvalid(_ALONE.format(key_header.decode("ascii")))
    if len(key) != LENGTH or not key.isascii():
        raise ApiKeyInvalid
    return key.decode("ascii")


def _broken(message: str) -> ContractError:
    return ContractError([Finding("#/components/securitySchemes", message)])
