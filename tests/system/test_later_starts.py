"""Runs that begin later, or not at all, as a client asks for them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, RULES, Tenant


def test_a_run_with_a_delay_is_pending_and_can_be_cancelled(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    created = tenant.post(f"{RULES}/{rule['rule_id']}/execute", {"delay": "PT1H"}).json()["data"]

    begins = datetime.fromisoformat(created["run_at"])
    assert created["status"] == "pending"
    assert timedelta(minutes=50) < begins - datetime.now(UTC) <= timedelta(hours=1)
    (listed,) = tenant.ask("GET", f"{EXECUTIONS}?automation_rule_id={rule['rule_id']}").json()["data"]
    assert listed["run_at"] == created["run_at"]
    assert tenant.post(created["_links"]["cancel"]["href"]).json()["data"]["status"] == "cancelled"


def test_a_dry_run_tells_when_it_would_begin(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    times = {"run_at": "2026-01-02T18:00:00+01:00", "expires_at": "2999-01-01T00:00:00Z"}

    plan = tenant.post(f"{RULES}/{rule['rule_id']}/execute", {"dry_run": True, **times}).json()["data"]

    assert datetime.fromisoformat(plan["run_at"]) == datetime(2026, 1, 2, 17, tzinfo=UTC)
    assert datetime.fromisoformat(plan["expires_at"]) == datetime(2999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"run_at": "2026-01-02T18:00:00Z", "delay": "PT1H"}, ""),
        ({"delay": "P1M"}, "/delay"),
        ({"delay": "P367D"}, "/delay"),
        ({"run_at": "2999-01-01T00:00:00Z"}, "/run_at"),
        ({"run_at": "tomorrow"}, "/run_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"delay": "PT1H", "expires_at": "2020-01-01T00:00:00Z", "dry_run": True}, "/expires_at"),
    ],
)
def test_a_run_that_could_not_begin_so_is_refused(tenant: Tenant, body: dict[str, object], pointer: str) -> None:
    rule = tenant.create_rule()

    problem = problem_of(tenant.post(f"{RULES}/{rule['rule_id']}/execute", body), 400, "invalid_body")

    assert [violation["pointer"] for violation in problem["errors"]] == [pointer]
