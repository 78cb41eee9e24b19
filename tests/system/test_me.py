"""The principal behind a key, as its holder is told."""

from datetime import UTC, datetime

from automation.domain.limits import Limit
from automation.domain.permissions import ROLE_PERMISSIONS, Role
from security.key_format import generate
from tests.system.problems import problem_of
from tests.system.tenancy import Tenant

ME = "/api/v1/me"


def test_a_key_is_told_whom_it_stands_for(tenant: Tenant) -> None:
    [name] = [each.name for each in tenant.administration.list_tenants() if each.tenant == tenant.tenant]

    data = tenant.ask("GET", ME).json()["data"]

    assert [limit["name"] for limit in data.pop("limits")] == [str(limit) for limit in Limit]
    assert data == {
        "tenant": {"id": str(tenant.tenant), "name": name},
        "user": {"id": str(tenant.user), "email": "operator@example.com"},
        "roles": ["operator"],
        "permissions": sorted(ROLE_PERMISSIONS[Role.OPERATOR]),
        "key": {
            "prefix": tenant.key[:11],
            "name": None,
            "expires_at": None,
            "usage_limit": None,
            "remaining_uses": None,
            "requests_per_minute": None,
        },
    }


def test_a_key_without_any_permission_may_ask(tenant: Tenant) -> None:
    response = tenant.ask("GET", ME, {"x-api-key": tenant.add_key(Role.NONE)})

    assert response.status_code == 200
    assert (response.json()["data"]["roles"], response.json()["data"]["permissions"]) == (["none"], [])


def test_a_key_with_a_limit_is_told_what_is_left_until_nothing_is(tenant: Tenant) -> None:
    made = generate()
    until = datetime(2999, 1, 31, tzinfo=UTC)
    tenant.administration.create_key(
        tenant.tenant,
        tenant.user,
        digest=made.digest,
        prefix=made.prefix,
        name="nightly import",
        expires_at=until,
        usage_limit=2,
    )

    answers = [tenant.ask("GET", ME, {"x-api-key": made.plaintext}) for _ in range(3)]

    keys = [answer.json()["data"]["key"] for answer in answers[:2]]
    assert [key["remaining_uses"] for key in keys] == [1, 0]
    assert keys[0] | {"remaining_uses": 0} == {
        "prefix": made.prefix,
        "name": "nightly import",
        "expires_at": "2999-01-31T00:00:00Z",
        "usage_limit": 2,
        "remaining_uses": 0,
        "requests_per_minute": None,
    }
    problem_of(answers[2], 401, "api_key_over_limit")


def test_without_a_key_nobody_is_told_anything(tenant: Tenant) -> None:
    problem_of(tenant.client.get(ME), 401, "api_key_missing")
