"""Authorizes an operation's caller: deny by default.

An operation is public where it says ``security: []`` itself, and otherwise names the permission that it requires in
``x-required-permission``, or says there that it requires none but a key. One that does neither, or both, is not built,
so the service does not start with it.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.compiled.operations import Operation
from automation.contract.document.findings import ContractError, Finding
from automation.contract.document.naming import NO_PERMISSION, PERMISSION
from automation.contract.serving.endpoint import Endpoint
from automation.contract.serving.request_context import principal
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


def authorized(endpoint: Endpoint, next_app: ASGIApp) -> ASGIApp:
    """Return what passes on an endpoint's requests where their principal has the permission that it requires, if any.

    Raises:
        ContractError: The operation is neither public nor names a permission that exists.
    """
    operation = endpoint.operation
    if operation.public and operation.permission is None:
        return next_app
    permission = _permission(operation)
    return next_app if permission is None else PermissionRequired(permission, next_app)


def _permission(operation: Operation) -> Permission | None:
    if operation.permission is None:
        raise _refused(operation, f"is neither public (security: []) nor names a permission in {PERMISSION}")
    if operation.permission not in (*Permission, NO_PERMISSION):
        raise _refused(operation, f"{PERMISSION} names a permission that does not exist")
    if not operation.security or not all(operation.security):
        raise _refused(operation, f"{PERMISSION} is worth nothing where requests without a key are let in")
    return None if operation.permission == NO_PERMISSION else Permission(operation.permission)


def _refused(operation: Operation, message: str) -> ContractError:
    return ContractError([Finding(operation.where, message)])
