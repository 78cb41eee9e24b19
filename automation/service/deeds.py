"""Tells who does what by a request, for the audit log."""

import re
from collections.abc import Iterable, Mapping
from uuid import UUID

from starlette.types import Scope

from automation.contract.compiled.operations import Operation
from automation.contract.serving.request_context import ARGUMENTS, request_id
from automation.domain.audit import AuditResource, Deed
from automation.domain.hooks import Hook
from automation.domain.principal import Principal
from automation.domain.secrets import NAME as SECRET_NAME
from automation.service.http.client_addresses import ClientAddresses

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods of operations that change something."""

_is_secret_name = re.compile(SECRET_NAME).fullmatch
_resource = re.compile(r"/(execution|rule|secret)s(?:/\{(\w+)\})?(?=/|\Z)").search


class Deeds:
    """Tells what the contract's writes do, to what their paths name.

    Args:
        operations: The contract's operations.
        addresses: Tells where requests come from.
    """

    def __init__(self, operations: Iterable[Operation], addresses: ClientAddresses) -> None:
        self._addresses = addresses
        self._resources: Mapping[str, tuple[AuditResource, str | None]] = {
            each.operation_id: _named(each.path) for each in operations if each.method in WRITES
        }

    def deed(self, scope: Scope, operation_id: str, caller: Principal) -> Deed | None:
        """Return what a request to an operation does; None where that changes nothing."""
        resource = self._resources.get(operation_id)
        if resource is None:
            return None
        kind, name = resource
        return Deed(
            tenant=caller.tenant,
            user=caller.user,
            key_prefix=caller.key_prefix,
            action=operation_id,
            resource_type=kind,
            resource_id=None if name is None else _identifier(scope, kind, name),
            client_address=self._addresses.of(scope),
            request_id=request_id(scope),
        )

    def delivery(self, scope: Scope, operation_id: str, hook: Hook) -> Deed:
        """Return what a request to a hook does."""
        return Deed(
            tenant=hook.tenant,
            user=None,
            key_prefix=None,
            action=operation_id,
            resource_type=AuditResource.RULE,
            resource_id=str(hook.rule_id),
            client_address=self._addresses.of(scope),
            request_id=request_id(scope),
        )


def _named(path: str) -> tuple[AuditResource, str | None]:
    """Return what a path is about, and the parameter that says which one."""
    found = _resource(path)
    return (AuditResource.TENANT, None) if found is None else (AuditResource(found[1]), found[2])


def _identifier(scope: Scope, kind: AuditResource, name: str) -> str | None:
    """Return the id in a path, or a secret's name; what isn't one, in a request that wasn't read, is none."""
    given = scope.get(ARGUMENTS, scope["path_params"]).get(name)
    if kind is AuditResource.SECRET:
        return given if isinstance(given, str) and _is_secret_name(given) else None
    try:
        return str(UUID(str(given)))
    except ValueError:
        return None
