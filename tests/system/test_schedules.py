"""Rules that run by the clock, as a client writes and previews them."""

from typing import Any

import pytest

from tests.system.problems import problem_of
from tests.system.tenancy import RULES, Tenant, rule_input

PREVIEW = "/api/v1/automation/schedules/preview"


def recurring(config: dict[str, Any]) -> dict[str, Any]:
    return rule_input(trigger_type="recurring", trigger_config=config)


def test_a_rule_says_when_it_is_due_and_is_put_back_whatever_time_that_was(tenant: Tenant) -> None:
    created = tenant.post(RULES, recurring({"cron": "0 4 * * *", "timezone": "Asia/Kolkata"}))
    rule = created.json()["data"]

    put_back = tenant.ask("PUT", f"{RULES}/{rule['rule_id']}", json={**rule, "next_fire_at": "2020-01-01T00:00:00Z"})

    assert created.status_code == 201
    assert rule["next_fire_at"].endswith("T22:30:00Z")
    assert put_back.status_code == 200
    assert put_back.json()["data"]["next_fire_at"] == rule["next_fire_at"]
    assert tenant.create_rule()["next_fire_at"] is None


def test_a_preview_is_what_a_rule_will_be_due_at(tenant: Tenant) -> None:
    asked = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "after": "2027-03-27T00:00:00Z"}

    times = tenant.ask("GET", PREVIEW, params=asked).json()["data"]["times"]

    assert len(times) == 10
    assert times[:3] == ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({}, "cron"),
        ({"cron": "* * * * *", "every": "PT1M"}, "cron"),
        ({"cron": "99 * * * *"}, "cron"),
        ({"cron": "0 0 * * * *"}, "cron"),
        ({"cron": "0 0 * * *", "timezone": "Mars/Olympus"}, "timezone"),
        ({"every": "PT1M", "timezone": "UTC"}, "timezone"),
        ({"every": "PT0.1S"}, "every"),
        ({"cron": "0 0 * * *", "after": "9990-01-01T00:00:00Z"}, "after"),
        ({"cron": "0 0 * * *", "timezone": "America/New_York", "after": "0001-01-01T00:00:00Z"}, "after"),
        ({"every": "PT1M", "starts_at": "0001-01-01T00:00:00Z"}, "starts_at"),
        ({"cron": "0 0 * * *", "starts_at": "9999-12-31T23:59:59Z"}, "starts_at"),
        ({"every": "PT1M", "ends_at": "9999-12-31T23:59:59Z"}, "ends_at"),
        ({"cron": "0 0 * * *", "timezone": "right/UTC"}, "timezone"),
    ],
)
def test_a_preview_names_what_is_wrong(tenant: Tenant, asked: dict[str, str], parameter: str) -> None:
    problem = problem_of(tenant.ask("GET", PREVIEW, params=asked), 400, "invalid_parameter")

    assert [each["parameter"] for each in problem["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({}, "/trigger_config"),
        ({"cron": "* * * * *", "every": "PT1M"}, "/trigger_config"),
        ({"cron": "0 0 * * * *"}, "/trigger_config/cron"),
        ({"cron": "0 0 30 2 *"}, "/trigger_config/cron"),
        ({"every": "PT1S", "jitter_seconds": 1}, "/trigger_config/jitter_seconds"),
        ({"every": "PT1M", "catch_up": "some"}, "/trigger_config/catch_up"),
    ],
)
def test_a_rule_that_could_not_run_so_is_refused(tenant: Tenant, config: dict[str, Any], pointer: str) -> None:
    problem = problem_of(tenant.post(RULES, recurring(config)), 400, "invalid_body")

    assert {each["pointer"] for each in problem["errors"]} == {pointer}
