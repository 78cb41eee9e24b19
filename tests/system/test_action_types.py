"""Types of actions are listed as they are installed, with schemas and examples that hold."""

from tests.system.problems import problem_of
from tests.system.tenancy import RULES, Tenant

ACTIONS = "/api/v1/automation/actions"


def test_the_types_are_those_that_the_contract_tells_apart(tenant: Tenant) -> None:
    union = tenant.client.get("/api/v1/openapi.json").json()["components"]["schemas"]["RuleAction"]

    types = [each["type"] for each in tenant.ask("GET", ACTIONS).json()["data"]]

    assert types == sorted(types)
    assert set(types) == set(union["discriminator"]["mapping"])
    assert {"email_notification", "wait", "webhook_call"} <= set(types)


def test_a_rule_of_each_example_is_accepted(tenant: Tenant) -> None:
    for each in tenant.ask("GET", ACTIONS).json()["data"]:
        response = tenant.post(RULES, {"name": f"An example of {each['type']}", "actions": [each["example"]]})

        assert response.status_code == 201, response.text


def test_a_rule_that_breaks_the_schema_is_not_accepted(tenant: Tenant) -> None:
    types = {each["type"]: each for each in tenant.ask("GET", ACTIONS).json()["data"]}

    assert types["wait"]["config_schema"]["properties"]["seconds"]["exclusiveMinimum"] == 0
    action = {"type": "wait", "config": {"seconds": 0}}
    problem_of(tenant.post(RULES, {"name": "Never", "actions": [action]}), 400, "invalid_body")


def test_only_a_type_that_waits_says_so(tenant: Tenant) -> None:
    types = tenant.ask("GET", ACTIONS).json()["data"]

    assert {each["type"] for each in types if each["waits"]} == {"wait"}
