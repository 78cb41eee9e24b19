"""Limits of what a tenant keeps and does, reached as a client reaches them, one after the other."""

from collections.abc import Callable, Mapping

import httpx
import pytest

from automation.domain.limits import DEFAULTS, Limit
from tests.system.problems import problem_of
from tests.system.tenancy import RULES, SECRETS, Tenant, rule_input

ME = "/api/v1/me"
A_DAY = 86_400

Reach = Callable[[Tenant, Mapping[str, object]], httpx.Response]


def create(tenant: Tenant, _rule: Mapping[str, object]) -> httpx.Response:
    return tenant.post(RULES, rule_input())


def change(tenant: Tenant, rule: Mapping[str, object]) -> httpx.Response:
    return tenant.ask("PUT", f"{RULES}/{rule['rule_id']}", json=rule_input(name="Another"))


def execute(tenant: Tenant, rule: Mapping[str, object]) -> httpx.Response:
    return tenant.post(f"{RULES}/{rule['rule_id']}/execute", {})


def put(tenant: Tenant, _rule: Mapping[str, object]) -> httpx.Response:
    return tenant.ask("PUT", f"{SECRETS}/ONE_MORE", json={"value": "a value of a secret"})


# What reaches each limit, how it is answered, and within how many seconds one may come back, where one may.
REACHED: Mapping[Limit, tuple[Reach, int, str, int | None]] = {
    Limit.MAX_PENDING: (execute, 429, "too_many_pending", 1),
    Limit.MAX_RULES: (create, 422, "quota_exceeded", None),
    Limit.MAX_RULE_VERSIONS: (change, 422, "quota_exceeded", None),
    Limit.EXECUTIONS_PER_DAY: (execute, 429, "too_many_executions", A_DAY),
    Limit.MAX_STORED_BYTES: (change, 422, "quota_exceeded", None),
    Limit.MAX_SECRETS: (put, 409, "secrets_exhausted", None),
}
# Beyond it nobody is told anything but to come back: tests/system/test_rate_limits.py.
RATES = {Limit.REQUESTS_PER_MINUTE}
# No request is refused: runs wait, an answer is not kept, and a mail is not sent.
NOT_ANSWERED = {Limit.MAX_RUNNING, Limit.MAX_ANSWER_BYTES, Limit.MAILS_PER_DAY}


def limits_told(tenant: Tenant) -> dict[str, tuple[int | None, int | None]]:
    """Return the value of each limit and what is used of it, as a key is told."""
    return {each["name"]: (each["value"], each["used"]) for each in tenant.ask("GET", ME).json()["data"]["limits"]}


@pytest.mark.parametrize("limit", REACHED, ids=str)
def test_beyond_a_limit_the_answer_says_which_and_when_to_come_back_and_numbers_say_that_nothing_is_left(
    tenant: Tenant, limit: Limit
) -> None:
    reach, status, code, seconds = REACHED[limit]
    rule = tenant.create_rule()
    tenant.execute(rule)
    tenant.put_secret("ONE")
    tenant.administration.set_limits(tenant.tenant, {limit: 1})
    told = limits_told(tenant)

    refused = reach(tenant, rule)

    assert problem_of(refused, status, code)["limit"] == str(limit)
    if seconds is None:
        assert "retry-after" not in refused.headers
    else:
        assert 1 <= int(refused.headers["retry-after"]) <= seconds
    value, used = told[str(limit)]
    assert value == 1
    assert used is not None
    assert used >= 1
    shown = tenant.administration.limits_in_use(tenant.tenant, DEFAULTS)
    assert {str(each.limit): (each.value, each.used) for each in shown} == told


def test_of_every_limit_that_can_be_used_up_is_told_how_much_is_used(tenant: Tenant) -> None:
    told = limits_told(tenant)

    uncounted = {name for name, (_, used) in told.items() if used is None}
    assert uncounted == {str(limit) for limit in Limit if limit.value.unit in {"", "seconds"}}
    assert uncounted.isdisjoint(map(str, [*REACHED, *RATES, *NOT_ANSWERED]))
    assert len(uncounted) + len(REACHED) + len(RATES) + len(NOT_ANSWERED) == len(Limit)
