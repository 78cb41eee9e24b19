"""Paused rules, from outside: what they accept, and what they show."""

from tests.system.tenancy import RULES, WEBHOOK, Tenant


def test_a_paused_rule_accepts_what_triggers_it_and_says_so(tenant: Tenant) -> None:
    rule = tenant.create_rule(status="paused")
    execute = rule["_links"]["execute"]

    response = tenant.ask(execute["method"], execute["href"], json={"trigger_data": {"order": 1}})

    listed = tenant.ask("GET", RULES, params={"status": "paused"}).json()["data"]
    assert (response.status_code, response.json()["data"]["status"]) == (202, "pending")
    assert [(each["rule_id"], "execute" in each["_links"]) for each in listed] == [(rule["rule_id"], True)]


def test_a_retry_of_a_paused_rules_execution_is_accepted(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[WEBHOOK, WEBHOOK])
    path = tenant.add_failed_execution(rule)
    patch = {"content-type": "application/merge-patch+json"}
    tenant.ask("PATCH", f"{RULES}/{rule['rule_id']}", patch, json={"status": "paused"})

    response = tenant.post(f"{path}/retry")

    assert (response.status_code, response.json()["data"]["status"]) == (200, "pending")
