"""Permissions of users, and the roles that grant them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """Every permission there is, in alphabetical order.

    A permission is named ``resource:action``. The contract's operations declare the one they need in
    ``x-required-permission``; a test holds this enum equal to what they declare.
    """

    AUDIT_READ = "audit:read"
    AUTOMATION_CREATE = "automation:create"
    AUTOMATION_DELETE = "automation:delete"
    AUTOMATION_EXECUTE = "automation:execute"
    AUTOMATION_MANAGE_SECRETS = "automation:manage_secrets"
    AUTOMATION_PUBLISH = "automation:publish"
    AUTOMATION_READ = "automation:read"
    AUTOMATION_UPDATE = "automation:update"


class Role(StrEnum):
    """The roles that every new tenant starts with."""

    AUDITOR = "auditor"
    EDITOR = "editor"
    NONE = "none"
    OPERATOR = "operator"
    READER = "reader"


ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.AUTOMATION_READ}),
        Role.EDITOR: frozenset(Permission) - {Permission.AUDIT_READ, Permission.AUTOMATION_MANAGE_SECRETS},
        Role.NONE: frozenset(),
        Role.OPERATOR: frozenset(Permission),
        Role.READER: frozenset({Permission.AUTOMATION_READ}),
    }
)
