"""Errors of access: keys that are not accepted, and permissions that are missing."""

from automation.domain.errors.kinds import Forbidden, TooManyRequests, Unauthenticated


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


class SignatureInvalid(Forbidden):
    """What was sent to a hook is not signed as the rule's ``verification`` wants it, or not within five minutes."""

    code = "signature_invalid"
    title = "Signature invalid"
    default = "The delivery is not signed with the secret that the rule names, as its verification wants it."
    advice = (
        "Check that both sides have the same secret, that the body is sent as it was signed, and that the sender's "
        "clock is right."
    )


class RateLimited(TooManyRequests):
    """The tenant, or the key, has sent as many requests within a minute as it may; ``detail`` says which, and when."""

    code = "rate_limited"
    limit = "requests_per_minute"
    title = "Too many requests"
    default = "The limit on requests per minute is reached."
    advice = (
        "Wait as many seconds as `Retry-After` says; `RateLimit` tells in every answer what is left. An operator can "
        "raise the limit."
    )


class TooManyRefusedKeys(TooManyRequests):
    """Another key was refused that came from an address from which too many were."""

    code = "too_many_refused_keys"
    title = "Too many refused keys"
    default = "Requests from this address were refused for their API keys too often."
    advice = (
        "Check the keys that are sent from this address. "
        "A request with a key that is accepted is answered all the same."
    )
