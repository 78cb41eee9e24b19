"""A call of every operation that succeeds, where nothing is wrong with the service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.shipped_contract.shipped import ENTRIES
from tests.system.tenancy import EXECUTIONS, RULES, WEBHOOK, Tenant, rule_input

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Call:
    """A request, but for whom it is sent to."""

    operation: str
    path: str
    json: Any = None

    def send(self, url: str, key: str) -> httpx.Response:
        """Send it to a service, with a key."""
        method = next(entry.method for entry in ENTRIES if entry.name == self.operation)
        media_type = "application/merge-patch+json" if method == "patch" else "application/json"
        headers = {"x-api-key": key, **({} if self.json is None else {"content-type": media_type})}
        content = None if self.json is None else json.dumps(self.json)
        return httpx.request(
            method, url + self.path, headers=headers, content=content, trust_env=False, timeout=TIMEOUT_SECONDS
        )


def successful(tenant: Tenant) -> Mapping[str, Call]:
    """Make what each call needs, and return the calls by operation; each of them succeeds once."""
    rule, disused = tenant.create_rule(actions=[WEBHOOK, WEBHOOK]), tenant.create_rule()
    failed = tenant.add_failed_execution(rule)
    pending = f"{EXECUTIONS}/{tenant.execute(rule)['execution_id']}"
    path = f"{RULES}/{rule['rule_id']}"
    calls = [
        Call("getContractJson", "/api/v1/openapi.json"),
        Call("getContractYaml", "/api/v1/openapi.yaml"),
        Call("listAutomationExecutions", f"{EXECUTIONS}?status=failed&limit=1&include_total=true"),
        Call("getAutomationExecution", failed),
        Call("listAutomationExecutionAttempts", f"{failed}/attempts"),
        Call("cancelAutomationExecution", f"{pending}/cancel"),
        Call("retryAutomationExecution", f"{failed}/retry", {"from": "failed_action"}),
        Call("getCurrentPrincipal", "/api/v1/me"),
        Call("listAutomationRules", f"{RULES}?status=active&name=Notify"),
        Call("createAutomationRule", RULES, rule_input()),
        Call("getAutomationRule", path),
        Call("updateAutomationRule", path, rule_input()),
        Call("patchAutomationRule", path, {"name": "Notify both"}),
        Call("deleteAutomationRule", f"{RULES}/{disused['rule_id']}"),
        Call("executeAutomationRule", f"{path}/execute", {"trigger_data": {"order_id": 1042}}),
        Call("listAutomationRuleVersions", f"{path}/versions"),
        Call("getAutomationRuleVersion", f"{path}/versions/1"),
        Call("getLiveness", "/healthz"),
        Call("getReadiness", "/readyz"),
    ]
    assert {call.operation for call in calls} == {entry.name for entry in ENTRIES}, "every operation has a call"
    return {call.operation: call for call in calls}
