"""A call of every operation that succeeds, where nothing is wrong with the service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.plain_http import PLAIN
from tests.shipped_contract.shipped import ENTRIES
from tests.system.tenancy import BULK_OPERATIONS, EVENTS, EXECUTIONS, RULES, SECRETS, WEBHOOK, Tenant, rule_input

TIMEOUT_SECONDS = 30
AN_EVENT = {"specversion": "1.0", "id": "order-1042", "source": "https://shop.example/orders", "type": "order.created"}


@dataclass(frozen=True)
class Call:
    """A request, but for whom it is sent to."""

    operation: str
    path: str
    json: Any = None
    media_type: str | None = None

    def send(self, url: str, key: str) -> httpx.Response:
        """Send it to a service, with a key."""
        method = next(entry.method for entry in ENTRIES if entry.name == self.operation)
        usual = "application/merge-patch+json" if method == "patch" else "application/json"
        media_type = self.media_type or usual
        headers = {"x-api-key": key, **({} if self.json is None else {"content-type": media_type})}
        content = None if self.json is None else json.dumps(self.json)
        return httpx.request(
            method, url + self.path, headers=headers, content=content, **PLAIN, timeout=TIMEOUT_SECONDS
        )


def successful(tenant: Tenant) -> Mapping[str, Call]:
    """Make what each call needs, and return the calls by operation; each of them succeeds once."""
    rule, disused = tenant.create_rule(actions=[WEBHOOK, WEBHOOK]), tenant.create_rule()
    failed = tenant.add_failed_execution(rule)
    pending = f"{EXECUTIONS}/{tenant.execute(rule)['execution_id']}"
    path = f"{RULES}/{rule['rule_id']}"
    over = f"{BULK_OPERATIONS}/{tenant.add_bulk_operation()}"
    hook, rotated = tenant.create_hook(), tenant.create_hooked_rule()["data"]["rule_id"]
    ended = [tenant.add_failed_execution(rule).rpartition("/")[2] for _ in range(2)]
    calls = [
        Call("getContractJson", "/api/v1/openapi.json"),
        Call("getContractYaml", "/api/v1/openapi.yaml"),
        Call("listActionTypes", "/api/v1/automation/actions"),
        Call("listAuditEvents", "/api/v1/audit-events?outcome=done&limit=5&include_total=true"),
        Call("publishAutomationEvent", EVENTS, AN_EVENT, "application/cloudevents+json"),
        Call("listAutomationExecutions", f"{EXECUTIONS}?status=failed&limit=1&include_total=true"),
        Call("getAutomationExecution", failed),
        Call("listAutomationExecutionAttempts", f"{failed}/attempts"),
        Call("cancelAutomationExecution", f"{pending}/cancel"),
        Call("retryAutomationExecution", f"{failed}/retry", {"from": "failed_action"}),
        Call("deleteAutomationExecution", tenant.add_failed_execution(rule)),
        Call("retryAutomationExecutions", f"{EXECUTIONS}/retry", {"ids": ended[:1]}),
        Call("cancelAutomationExecutions", f"{EXECUTIONS}/cancel", {"ids": ended[:1]}),
        Call("deleteAutomationExecutions", f"{EXECUTIONS}/delete", {"ids": ended[1:]}),
        Call("getBulkOperation", over),
        Call("listBulkOperationRefusals", f"{over}/refusals"),
        Call("receiveWebhook", f"{hook}?source=shop", {"order_id": 1042}),
        Call("rotateAutomationHook", f"{RULES}/{rotated}/hook/rotate", {"overlap_seconds": 3600}),
        Call("getCurrentPrincipal", "/api/v1/me"),
        Call("listAutomationRules", f"{RULES}?status=active&name=Notify"),
        Call("createAutomationRule", RULES, rule_input()),
        Call("getAutomationRule", path),
        Call("updateAutomationRule", path, rule_input()),
        Call("patchAutomationRule", path, {"name": "Notify both"}),
        Call("deleteAutomationRule", f"{RULES}/{disused['rule_id']}"),
        Call("executeAutomationRule", f"{path}/execute", {"trigger_data": {"order_id": 1042}}),
        Call("getAutomationRuleOpenApi", f"{path}/openapi.json"),
        Call("getAutomationRuleStatistics", f"{path}/statistics?bucket=day&time_zone=Europe/Berlin"),
        Call("listAutomationRuleVersions", f"{path}/versions"),
        Call("getAutomationRuleVersion", f"{path}/versions/1"),
        Call("previewAutomationRuleSchedule", "/api/v1/automation/schedules/preview?every=PT15M"),
        Call("putAutomationSecret", f"{SECRETS}/TOKEN", {"value": "a value of a secret"}),
        Call("listAutomationSecrets", SECRETS),
        Call("getAutomationSecret", f"{SECRETS}/{tenant.put_secret('KEPT')}"),
        Call("deleteAutomationSecret", f"{SECRETS}/{tenant.put_secret('DISUSED')}"),
        Call("getLiveness", "/healthz"),
        Call("getReadiness", "/readyz"),
    ]
    assert {call.operation for call in calls} == {entry.name for entry in ENTRIES}, "every operation has a call"
    return {call.operation: call for call in calls}
