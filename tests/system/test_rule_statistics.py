"""Statistics of a rule, as a client asks for them."""

import pytest

from tests.system.problems import problem_of
from tests.system.tenancy import RULES, Tenant


def test_a_rule_that_never_ran_has_numbers_too(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    answer = tenant.ask("GET", f"{RULES}/{rule['rule_id']}/statistics", params={"from": "2026-03-01T11:59:00+01:00"})

    problem_of(answer, 400, "invalid_parameter")  # it is longer ago than a period by hours can be
    query = {"from": "2026-03-01T11:59:00+01:00", "to": "2026-03-02T00:00:00Z", "time_zone": "Asia/Kathmandu"}
    data = tenant.ask("GET", f"{RULES}/{rule['rule_id']}/statistics", params=query).json()["data"]
    assert (data["from"], data["to"]) == ("2026-03-01T10:45:00Z", "2026-03-02T00:00:00Z")
    assert (data["bucket"], data["time_zone"], data["buckets"]) == ("hour", "Asia/Kathmandu", [])
    assert set(data["runs"].values()) == {0}
    assert (data["failure_rate"], data["duration_ms"]) == (None, {"p50": None, "p95": None})
    assert data["_links"]["rule"]["href"] == f"{RULES}/{rule['rule_id']}"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"time_zone": "EST5EDT; DROP"}, "time_zone"),
        ({"time_zone": "europe/berlin"}, "time_zone"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"time_zone": "posix/Europe/Berlin"}, "time_zone"),
        ({"bucket": "week"}, "bucket"),
        ({"from": "2026-03-01T12:00:00"}, "from"),
        ({"from": "0001-01-01T00:00:00Z"}, "from"),
        ({"to": "0001-01-01T00:00:00Z"}, "to"),
        ({"to": "9999-12-31T23:59:59.9999999Z"}, "to"),
        ({"to": "2026-03-01T12:00:00+01:00", "from": "2026-03-01T11:00:00Z"}, "from"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(tenant: Tenant, query: dict[str, str], parameter: str) -> None:
    rule = tenant.create_rule()

    answer = tenant.ask("GET", f"{RULES}/{rule['rule_id']}/statistics", params=query)

    problem = problem_of(answer, 400, "invalid_parameter")
    assert {error["parameter"] for error in problem["errors"]} == {parameter}


def test_the_statistics_of_another_tenants_rule_are_not_found(tenant: Tenant, stranger: Tenant) -> None:
    rule = stranger.create_rule()

    answer = tenant.ask("GET", f"{RULES}/{rule['rule_id']}/statistics")

    problem_of(answer, 404, "rule_not_found")
