"""Errors of access: keys that are not accepted, and permissions that are missing."""

from automation.domain.errors.kinds import Forbidden, Unauthenticated


class ApiKeyMissing(Unauthenticated):
    """No ``x-api-key`` header."""

    code = "api_key_missing"
    title = "API key missing"
    default = "The request carries no API key."
    advice = "Send your API key in the header `x-api-key`."


class ApiKeyInvalid(Unauthenticated):
    """Malformed, unknown, revoked or inactive key: which of these it was is not told."""

    code = "api_key_invalid"
    title = "API key invalid"
    default = "The API key is not valid."
    advice = "Check that the whole key was copied. If it was, it may have been revoked: ask for a new one."


class ApiKeyExpired(Unauthenticated):
    """The key is past its ``expires_at``."""

    code = "api_key_expired"
    title = "API key expired"
    default = "The API key has expired."
    advice = "Ask for a new key."


class ApiKeyOverLimit(Unauthenticated):
    """The key's ``usage_limit`` is used up."""

    code = "api_key_over_limit"
    title = "API key over its limit"
    default = "The API key has been used as often as it may be."
    advice = "The limit counts over the key's whole life, so waiting does not help: ask for a new key."


class ApiKeyUserNotFound(Unauthenticated):
    """The key's user is gone or inactive."""

    code = "api_key_user_not_found"
    title = "API key's user not found"
    default = "The user that the API key belongs to does not exist or is not active."
    advice = "Ask for a key of an active user."


class ApiKeyTenantMismatch(Unauthenticated):
    """``x-tenant-id`` names a tenant that is not the key's."""

    code = "api_key_tenant_mismatch"
    title = "API key of another tenant"
    default = "The API key does not belong to the tenant in x-tenant-id."
    advice = "Send the key of that tenant, or leave `x-tenant-id` out: the key alone decides the tenant."


class PermissionDenied(Forbidden):
    """The user lacks the permission that the operation requires; ``detail`` names it."""

    code = "permission_denied"
    title = "Permission denied"
    default = "This operation requires a permission that the user does not have."
    advice = "Have a role with the permission that `detail` names granted to the key's user."
