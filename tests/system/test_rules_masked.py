"""Masks for editors of what rules hold in plain, which keep the value where they are put back and can only mean it."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from automation.domain.permissions import Role
from tests.system.problems import problem_of
from tests.system.tenancy import RULES, WEBHOOK, Tenant, rule_input


def path_of(rule: dict[str, Any]) -> str:
    return f"{RULES}/{rule['rule_id']}"


def test_a_secret_is_masked_for_an_editor_and_kept_where_its_mask_is_put_back(tenant: Tenant) -> None:
    tenant = replace(tenant, key=tenant.add_key(Role.EDITOR))
    secret = {**WEBHOOK, "config": {**WEBHOOK["config"], "headers": {"Authorization": "Bearer s3cret"}}}
    created = tenant.post(RULES, rule_input(actions=[secret]))
    path = path_of(created.json()["data"])
    read = tenant.ask("GET", path)
    actions = read.json()["data"]["actions"]

    kept = tenant.ask("PUT", path, json=rule_input(name="Another", actions=actions))
    copied = tenant.post(RULES, rule_input(actions=actions))
    again = tenant.ask("PUT", path, json=rule_input(name="Yet another", actions=actions))

    assert actions[0]["config"]["headers"] == {"Authorization": "***"}
    assert (kept.status_code, again.status_code) == (200, 200)
    assert not [answer for answer in (created, read, kept) if "s3cret" in answer.text]
    (error,) = problem_of(copied, 400, "invalid_body")["errors"]
    assert error["pointer"] == "/actions/0/config/headers/Authorization"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_mask_in_a_list_keeps_the_secret_of_its_element_whatever_goes_before_it(tenant: Tenant, method: str) -> None:
    editor = replace(tenant, key=tenant.add_key(Role.EDITOR))
    targets = [{"name": name, "token": f"tokenOf{name}"} for name in ("Ada", "Bob")]
    secret = {**WEBHOOK, "config": {**WEBHOOK["config"], "json": {"targets": targets}}}
    path = path_of(editor.post(RULES, rule_input(actions=[secret])).json()["data"])
    actions = editor.ask("GET", path).json()["data"]["actions"]
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}

    def sent(shown: list[dict[str, str]]) -> httpx.Response:
        actions[0]["config"]["json"]["targets"] = shown
        body = {"actions": actions} if method == "PATCH" else rule_input(actions=actions)
        return editor.ask(method, path, headers, json=body)

    def stored() -> Any:
        operator = replace(tenant, key=tenant.add_key(Role.OPERATOR))
        return operator.ask("GET", path).json()["data"]["actions"][0]["config"]["json"]["targets"]

    ada, bob = actions[0]["config"]["json"]["targets"]
    assert sent([bob, ada]).status_code == 200
    assert stored() == targets[::-1]
    assert sent([bob]).status_code == 200
    assert stored() == targets[1:]
    actions = editor.ask("GET", f"{path}/versions/1").json()["data"]["actions"]
    former = sent([ada, bob])
    (error,) = problem_of(former, 400, "invalid_body")["errors"]
    assert error["pointer"] == "/actions/0/config/json/targets/0/token"


def test_a_mask_is_put_back_into_the_version_alone_that_it_was_found_in(tenant: Tenant) -> None:
    tenant = replace(tenant, key=tenant.add_key(Role.EDITOR))
    secret = {**WEBHOOK, "config": {**WEBHOOK["config"], "headers": {"Authorization": "Bearer s3cret"}}}
    path = path_of(tenant.post(RULES, rule_input(actions=[secret])).json()["data"])
    actions = tenant.ask("GET", path).json()["data"]["actions"]

    stale = tenant.ask("PUT", path, headers={"if-match": '"v7"'}, json=rule_input(actions=actions))

    problem_of(stale, 412, "precondition_failed")
