"""Origins of executions: who or what asked for each attempt, and by which request, shown where it is read."""

from automation.domain.permissions import Role
from tests.system.tenancy import EXECUTIONS, RULES, Tenant


def test_an_execution_says_who_asked_for_it_and_by_which_request(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    path = f"{RULES}/{rule['rule_id']}/execute"

    made = tenant.post(path, {}, **{"x-request-id": 'my "own" \\ id'}).json()["data"]
    read = tenant.ask("GET", f"{EXECUTIONS}/{made['execution_id']}").json()["data"]

    (listed,) = tenant.ask("GET", EXECUTIONS).json()["data"]
    for shown in (made, read, listed):
        assert shown["request_id"] == 'my "own" \\ id'
        assert shown["triggered_by"] == by("api_key", tenant)


def test_a_request_without_an_id_of_its_own_is_told_by_the_one_it_was_given(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    answer = tenant.post(f"{RULES}/{rule['rule_id']}/execute", {})

    assert answer.json()["data"]["request_id"] == answer.headers["x-request-id"]


def test_a_retry_is_another_request_of_another_user_and_each_attempt_keeps_its_own(tenant: Tenant) -> None:
    execution = f"{EXECUTIONS}/{tenant.execute(tenant.create_rule())['execution_id']}"
    first = tenant.ask("GET", execution).json()["data"]
    tenant.post(f"{execution}/cancel")
    key = tenant.add_key(Role.OPERATOR)
    other = tenant.ask("GET", "/api/v1/me", {"x-api-key": key}).json()["data"]["user"]["id"]

    retried = tenant.post(f"{execution}/retry", {}, **{"x-api-key": key, "x-request-id": "once more"}).json()["data"]
    attempts = tenant.ask("GET", f"{execution}/attempts").json()["data"]

    assert (retried["request_id"], retried["triggered_by"]) == ("once more", by("retry", tenant, key, other))
    assert [(each["request_id"], each["triggered_by"]) for each in attempts] == [
        (first["request_id"], by("api_key", tenant)),
        ("once more", by("retry", tenant, key, other)),
    ]


def test_what_is_not_known_is_absent(tenant: Tenant) -> None:
    execution = tenant.add_failed_execution(tenant.create_rule())

    read = tenant.ask("GET", execution).json()["data"]

    assert not {"request_id", "triggered_by"} & read.keys()


def by(kind: str, tenant: Tenant, key: str = "", user: str = "") -> dict[str, str]:
    """Return what is shown of a user with a key, by default the tenant's operator."""
    return {"type": kind, "user_id": user or str(tenant.user), "key_prefix": (key or tenant.key)[:11]}
