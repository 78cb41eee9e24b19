"""Authorizes an operation's caller: deny by default.

An operation is public where it says ``security: []`` itself, and otherwise names the permission that it requires in
``x-required-permission``. One that does neither, or both, is not built, so the service does not start with it.
"""

from typing import Any

from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations.abstract import AbstractOperation
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.document.findings import ContractError, Finding
from automation.contract.document.naming import PERMISSION
from automation.contract.serving.connexion_adapter import principal
from automation.domain.errors import PermissionDenied
from automation.domain.permissions import Permission


class PermissionRequired:
    """Passes on the requests of principals who have one permission.

    Args:
        permission: The permission.
        next_app: Where the requests go.
    """

    def __init__(self, permission: Permission, next_app: ASGIApp) -> None:
        self._permission = permission.value
        self._next_app = next_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or raise ``PermissionDenied``."""
        if self._permission not in principal(scope).permissions:
            raise PermissionDenied(f"This operation requires the permission {self._permission}.")
        await self._next_app(scope, receive, send)


class AuthorizationAPI(RoutedAPI):  # type: ignore[misc]  # Connexion has no types
    """The operations of one contract, each with what it requires."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> ASGIApp:
        """Return what handles the operation's requests.

        Raises:
            ContractError: The operation is neither public nor names a permission that exists.
        """
        declared = self.specification.get_operation(operation.path, operation.method)
        permission = declared.get(PERMISSION)
        if declared.get("security") == [] and permission is None:
            unguarded: ASGIApp = self.next_app
            return unguarded
        problem = _problem(operation, permission)
        if problem is not None:
            raise ContractError([Finding(f"{operation.method.upper()} {operation.path}", problem)])
        return PermissionRequired(Permission(permission), self.next_app)


class Authorization(RoutedMiddleware):  # type: ignore[misc]  # Connexion has no types
    """Requires each operation's permission of the principal that Connexion's security middleware found."""

    api_cls = AuthorizationAPI


def _problem(operation: AbstractOperation, permission: object) -> str | None:
    if permission is None:
        return f"is neither public (security: []) nor names a permission in {PERMISSION}"
    if permission not in tuple(Permission):
        return f"{PERMISSION} names a permission that does not exist"
    if not operation.security or not all(operation.security):
        return f"{PERMISSION} is worth nothing where requests without a key are let in"
    return None
