"""The operations of the tag Principal."""

from typing import Any

from automation.domain.limits import LimitInUse
from automation.domain.principal import Principal
from automation.storage.principals import Principals


async def get_current_principal(principal: Principal, principals: Principals) -> dict[str, Any]:
    """Say whom the request's key stands for, what that may do, and what is left of the key."""
    described = await principals.describe(principal)
    limit = described.usage_limit
    key = {
        "prefix": principal.key_prefix,
        "name": described.key_name,
        "expires_at": described.expires_at,
        "usage_limit": limit,
        "remaining_uses": None if limit is None else limit - described.usage_count,
        "requests_per_minute": described.requests_per_minute,
    }
    data = {
        "tenant": {"id": principal.tenant, "name": described.tenant_name},
        "user": {"id": principal.user, "email": described.email},
        "roles": described.roles,
        "permissions": described.permissions,
        "key": key,
        "limits": [_limit(each) for each in await principals.limits(principal)],
    }
    return {"data": data}


def _limit(known: LimitInUse) -> dict[str, Any]:
    return {
        "name": str(known.limit),
        "value": known.value,
        "used": known.used,
        "unit": known.limit.value.unit or None,
        "description": known.limit.value.of,
    }
