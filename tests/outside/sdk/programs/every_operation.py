"""Calls every operation with the generated Python client, as a stranger's program would, and looks at each answer.

Its environment says where the service is (``BASE_URL``) and what its demo.json says (``DEMO``). It is not checked with
the project's own code, but by mypy --strict with the client installed; ``assert_type`` says what the types have to be.
"""

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar, assert_type, cast
from uuid import UUID, uuid4

from automation_executions_client import AuthenticatedClient, Client, Refused, connect, iterate, iterate_async
from automation_executions_client.api.contract import get_contract_json, get_contract_yaml
from automation_executions_client.api.executions import (
    cancel_automation_execution,
    get_automation_execution,
    list_automation_execution_attempts,
    list_automation_executions,
    retry_automation_execution,
)
from automation_executions_client.api.principal import get_current_principal
from automation_executions_client.api.rules import (
    create_automation_rule,
    delete_automation_rule,
    execute_automation_rule,
    get_automation_rule,
    get_automation_rule_version,
    list_automation_rule_versions,
    list_automation_rules,
    patch_automation_rule,
    update_automation_rule,
)
from automation_executions_client.api.service import get_liveness, get_readiness
from automation_executions_client.models import (
    AutomationExecution,
    AutomationExecutionAttempt,
    AutomationExecutionResponse,
    AutomationExecutionSummary,
    AutomationRule,
    AutomationRuleInput,
    AutomationRuleInputTriggerConfig,
    AutomationRulePatch,
    AutomationRuleReplacement,
    AutomationRuleResponse,
    AutomationRuleVersionSummary,
    ConcurrencyPolicy,
    Condition,
    ConditionLogic,
    ConditionOperator,
    ContractDocument,
    ExecutionLinks,
    ExecutionPlanResponse,
    ExecutionRetry,
    ExecutionRetryFrom,
    ExecutionRetryRuleVersion,
    ExecutionRetryTriggerData,
    ExecutionStatus,
    LivenessStatus,
    Problem,
    ReadinessStatus,
    RuleExecution,
    RuleExecutionTriggerData,
    RuleStatus,
    SortOrder,
    TriggerType,
    WaitAction,
    WaitActionType,
    WaitConfig,
    WebhookCallAction,
    WebhookCallActionType,
    WebhookCallConfig,
    WebhookCallConfigMethodType0,
    WritableRuleStatus,
)
from automation_executions_client.types import Response, Unset

BASE_URL = os.environ["BASE_URL"]
DEMO: dict[str, Any] = json.loads(os.environ["DEMO"])
TENANT = UUID(DEMO["tenants"]["acme"])
PATIENCE_SECONDS = 60
LONG_AGO, LONG_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def main() -> None:
    """Call them all."""
    look_at_the_service()
    ask_who_is_calling()
    read_the_contract()
    with connect(BASE_URL, DEMO["keys"]["operator"]) as client:
        rule = write_a_rule(client)
        send_it_again(client)
        change_it(client, rule)
        put_it_back(client, rule)
        patch_it(client, rule)
        look_at_its_versions(client, rule)
        plan_it(client, rule)
        retry_a_failed_execution(client)
        cancel_a_running_execution(client)
        find_executions(client, rule)
        find_rules(client, rule)
        delete_it(client, rule)
    meet_problems(rule)
    asyncio.run(read_an_execution_asynchronously())
    asyncio.run(find_executions_asynchronously())


def look_at_the_service() -> None:
    client = Client(base_url=BASE_URL)

    alive = good(get_liveness.sync(client=client))
    ready = good(get_readiness.sync(client=client))

    assert alive.status is LivenessStatus.ALIVE
    assert ready.status is ReadinessStatus.READY


def ask_who_is_calling() -> None:
    client = connect(BASE_URL, DEMO["keys"]["operator"])

    caller = good(get_current_principal.sync(client=client, x_tenant_id=TENANT)).data

    assert (caller.tenant.id, caller.roles) == (TENANT, ["operator"])
    assert "automation:execute" in caller.permissions
    assert_type(caller.key.remaining_uses, int | None)
    assert caller.key.usage_limit is None


def read_the_contract() -> None:
    client = Client(base_url=BASE_URL, raise_on_unexpected_status=True)

    as_json = get_contract_json.sync_detailed(client=client)
    assert_type(as_json, Response[ContractDocument | Problem | None])
    assert good(as_json.parsed).openapi == "3.0.3"
    unchanged = get_contract_json.sync_detailed(client=client, if_none_match=as_json.headers["etag"])
    assert (unchanged.status_code, unchanged.parsed) == (HTTPStatus.NOT_MODIFIED, None)
    another = get_contract_json.sync(client=client, if_match='"another"')
    refused(another, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")

    as_yaml = get_contract_yaml.sync_detailed(client=client)
    assert_type(as_yaml, Response[str | Problem | None])
    assert good(as_yaml.parsed).startswith("openapi: 3.0.3")
    unchanged_yaml = get_contract_yaml.sync_detailed(client=client, if_none_match=as_yaml.headers["etag"])
    assert (unchanged_yaml.status_code, unchanged_yaml.parsed) == (HTTPStatus.NOT_MODIFIED, None)
    still = get_contract_yaml.sync(client=client, if_match=as_yaml.headers["etag"])
    assert good(still) == as_yaml.parsed


def write_a_rule(client: AuthenticatedClient) -> AutomationRule:
    created = create_automation_rule.sync_detailed(client=client, body=orders("Tell the warehouse"), x_tenant_id=TENANT)
    assert_type(created, Response[AutomationRuleResponse | Problem])
    rule = good(created.parsed).data
    assert created.status_code == HTTPStatus.CREATED
    assert rule.status is RuleStatus.ACTIVE
    assert rule.tenant == TENANT
    assert created.headers["location"] == rule.links.self_.href

    read = get_automation_rule.sync_detailed(rule.rule_id, client=client, x_tenant_id=TENANT)
    assert_type(read, Response[AutomationRuleResponse | Problem | None])
    assert good(read.parsed).data == rule
    unchanged = get_automation_rule.sync_detailed(rule.rule_id, client=client, if_none_match=read.headers["etag"])
    assert (unchanged.status_code, unchanged.parsed) == (HTTPStatus.NOT_MODIFIED, None)
    another = get_automation_rule.sync(rule.rule_id, client=client, if_match='"another"')
    refused(another, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")
    return rule


def send_it_again(client: AuthenticatedClient) -> None:
    key, body = str(uuid4()), orders("Tell the warehouse once")

    first, again = (
        create_automation_rule.sync_detailed(client=client, body=body, idempotency_key=key) for _ in range(2)
    )
    another = create_automation_rule.sync(client=client, body=orders("Tell it twice"), idempotency_key=key)

    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert good(again.parsed).data == good(first.parsed).data
    refused(another, HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused")


def change_it(client: AuthenticatedClient, rule: AutomationRule) -> None:
    etag = get_automation_rule.sync_detailed(rule.rule_id, client=client).headers["etag"]
    body = replacing(orders("Tell the other warehouse"))

    changed = update_automation_rule.sync(
        rule.rule_id, client=client, body=body, if_match=etag, idempotency_key=str(uuid4()), x_tenant_id=TENANT
    )
    late = update_automation_rule.sync(rule.rule_id, client=client, body=body, if_match=etag)
    already = update_automation_rule.sync(rule.rule_id, client=client, body=body, if_none_match="*")

    assert_type(changed, AutomationRuleResponse | Problem | None)
    assert good(changed).data.version == rule.version + 1
    refused(late, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")
    refused(already, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")


def put_it_back(client: AuthenticatedClient, rule: AutomationRule) -> None:
    read = good(get_automation_rule.sync(rule.rule_id, client=client)).data
    body = AutomationRuleReplacement.from_dict(read.to_dict())

    assert good(update_automation_rule.sync(rule.rule_id, client=client, body=body)).data == read


def patch_it(client: AuthenticatedClient, rule: AutomationRule) -> None:
    read = get_automation_rule.sync_detailed(rule.rule_id, client=client)
    whole = AutomationRulePatch.from_dict(orders("Tell the other warehouse").to_dict())
    whole.priority = 1

    patched = patch_automation_rule.sync(
        rule.rule_id,
        client=client,
        body=whole,
        if_match=read.headers["etag"],
        if_none_match='"another"',
        idempotency_key=str(uuid4()),
        x_tenant_id=TENANT,
    )
    same = patch_automation_rule.sync(rule.rule_id, client=client, body=AutomationRulePatch(priority=1))

    assert_type(patched, AutomationRuleResponse | Problem | None)
    assert good(patched).data.priority == 1
    assert good(same).data == good(patched).data


def look_at_its_versions(client: AuthenticatedClient, rule: AutomationRule) -> None:
    versions = iterate(list_automation_rule_versions.sync, rule.rule_id, client=client, limit=1, x_tenant_id=TENANT)

    found = list(versions)
    assert_type(found, list[AutomationRuleVersionSummary])
    assert [(each.version, each.changed) for each in found] == [(3, ["priority"]), (2, ["name"]), (1, [])]

    first = good(get_automation_rule_version.sync(rule.rule_id, 1, client=client, x_tenant_id=TENANT)).data
    assert first.name == rule.name
    none = get_automation_rule_version.sync(rule.rule_id, 4, client=client)
    refused(none, HTTPStatus.NOT_FOUND, "rule_version_not_found")


def find_executions(client: AuthenticatedClient, rule: AutomationRule) -> None:
    some = [execute(client, rule).execution_id for _ in range(3)]
    for execution in some:
        reaches(client, good(get_automation_execution.sync(execution, client=client)).data, ExecutionStatus.COMPLETED)

    found = list(
        iterate(
            list_automation_executions.sync,
            client=client,
            status=[ExecutionStatus.COMPLETED, ExecutionStatus.RUNNING],
            automation_rule_id=[rule.rule_id],
            trigger_type=TriggerType.MANUAL,
            created_from=LONG_AGO,
            created_to=LONG_AHEAD,
            started_from=LONG_AGO,
            started_to=LONG_AHEAD,
            completed_from=LONG_AGO,
            completed_to=LONG_AHEAD,
            duration_min_ms=0,
            duration_max_ms=1e6,
            attempt_min=1,
            sort=SortOrder.OLDEST_FIRST,
            limit=1,
            x_tenant_id=TENANT,
        )
    )
    assert_type(found, list[AutomationExecutionSummary])
    assert [each.execution_id for each in found] == some

    page = good(list_automation_executions.sync(client=client, error_contains="NO SUCH ERROR", include_total=True))
    assert (page.data, page.pagination.has_more) == ([], False)
    assert not isinstance(page.pagination.total, Unset)
    assert (page.pagination.total.count, page.pagination.total.exact) == (0, True)

    try:
        next(iterate(list_automation_executions.sync, client=client, cursor="made-up"))
    except Refused as refusal:
        refused(refusal.problem, HTTPStatus.BAD_REQUEST, "invalid_cursor")
    else:
        raise AssertionError("a made-up cursor was taken")


def find_rules(client: AuthenticatedClient, rule: AutomationRule) -> None:
    found = iterate(
        list_automation_rules.sync,
        client=client,
        status=[RuleStatus.ACTIVE],
        trigger_type=TriggerType.MANUAL,
        name="Tell the other",
        deleted=False,
        sort=SortOrder.NEWEST_FIRST,
        limit=1,
        include_total=False,
        x_tenant_id=TENANT,
    )

    assert rule.rule_id in {each.rule_id for each in found}
    first, second, *_ = iterate(list_automation_rules.sync, client=client, limit=1)
    assert first.created_at >= second.created_at


def plan_it(client: AuthenticatedClient, rule: AutomationRule) -> None:
    order = RuleExecutionTriggerData.from_dict({"total": 20})

    answer = execute_automation_rule.sync(
        rule.rule_id,
        client=client,
        body=RuleExecution(trigger_data=order, dry_run=True, override_conditions=False, priority=10),
        idempotency_key=str(uuid4()),
        x_tenant_id=TENANT,
    )

    assert_type(answer, AutomationExecutionResponse | ExecutionPlanResponse | Problem | None)
    assert isinstance(answer, ExecutionPlanResponse), answer
    assert not answer.data.would_run
    assert answer.data.conditions[0].operator is ConditionOperator.GREATER_THAN


def retry_a_failed_execution(client: AuthenticatedClient) -> None:
    broken = good(create_automation_rule.sync(client=client, body=call("/nowhere"))).data
    failed = reaches(client, execute(client, broken), ExecutionStatus.FAILED)
    assert not isinstance(failed.links, Unset)
    assert not isinstance(failed.links.retry, Unset)

    answer = retry_automation_execution.sync(
        failed.execution_id,
        client=client,
        body=ExecutionRetry(from_=ExecutionRetryFrom.FAILED_ACTION, attempt=1),
        idempotency_key=str(uuid4()),
        x_tenant_id=TENANT,
    )
    assert_type(answer, AutomationExecutionResponse | Problem | None)
    assert good(answer).data.status is ExecutionStatus.PENDING
    again = reaches(client, failed, ExecutionStatus.FAILED)
    second = retry_automation_execution.sync(again.execution_id, client=client, body=ExecutionRetry(attempt=1))
    refused(second, HTTPStatus.CONFLICT, "attempt_superseded")

    afresh = ExecutionRetry(
        rule_version=ExecutionRetryRuleVersion.LATEST,
        trigger_data=ExecutionRetryTriggerData.from_dict({"order_id": 1042}),
    )
    retried = good(retry_automation_execution.sync(again.execution_id, client=client, body=afresh)).data
    assert not isinstance(retried.trigger_data, Unset)
    assert (retried.attempt, retried.trigger_data["order_id"]) == (3, 1042)

    reaches(client, failed, ExecutionStatus.FAILED)
    attempts = list(
        iterate(
            list_automation_execution_attempts.sync, failed.execution_id, client=client, limit=1, x_tenant_id=TENANT
        )
    )
    assert_type(attempts, list[AutomationExecutionAttempt])
    assert [attempt.status for attempt in attempts] == [ExecutionStatus.FAILED] * 3
    page = good(list_automation_execution_attempts.sync(failed.execution_id, client=client))
    assert page.links.execution.href.endswith(str(failed.execution_id))


def cancel_a_running_execution(client: AuthenticatedClient) -> None:
    waiting = good(create_automation_rule.sync(client=client, body=wait())).data
    running = reaches(client, execute(client, waiting), ExecutionStatus.RUNNING)
    in_use = delete_automation_rule.sync(waiting.rule_id, client=client)
    assert_type(in_use, Problem | None)
    refused(in_use, HTTPStatus.CONFLICT, "rule_in_use")

    answer = cancel_automation_execution.sync_detailed(
        running.execution_id, client=client, idempotency_key=str(uuid4()), x_tenant_id=TENANT
    )
    assert_type(answer, Response[AutomationExecutionResponse | Problem])
    assert answer.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}
    reaches(client, good(answer.parsed).data, ExecutionStatus.CANCELLED)

    once_more = cancel_automation_execution.sync_detailed(running.execution_id, client=client)
    assert once_more.status_code == HTTPStatus.OK
    completed = UUID(DEMO["executions"]["completed"])
    late = cancel_automation_execution.sync(completed, client=client)
    refused(late, HTTPStatus.CONFLICT, "execution_finished")
    not_retriable = retry_automation_execution.sync(completed, client=client)
    refused(not_retriable, HTTPStatus.CONFLICT, "execution_not_retriable")


def delete_it(client: AuthenticatedClient, rule: AutomationRule) -> None:
    late = delete_automation_rule.sync(rule.rule_id, client=client, if_match='"another"')
    refused(late, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")
    deleted = delete_automation_rule.sync_detailed(
        rule.rule_id, client=client, if_none_match='"another"', idempotency_key=str(uuid4()), x_tenant_id=TENANT
    )
    assert (deleted.status_code, deleted.parsed) == (HTTPStatus.NO_CONTENT, None)

    changed = update_automation_rule.sync(rule.rule_id, client=client, body=replacing(orders("Too late")))
    refused(changed, HTTPStatus.CONFLICT, "rule_deleted")
    executed = execute_automation_rule.sync(rule.rule_id, client=client)
    refused(executed, HTTPStatus.CONFLICT, "rule_not_active")


def meet_problems(rule: AutomationRule) -> None:
    execution = UUID(DEMO["executions"]["completed"])
    wanted = {"unknown": 401, "expired": 401, "revoked": 401, "no_permission": 403, "globex_reader": 404}
    for key, status in wanted.items():
        client = connect(BASE_URL, DEMO["keys"].get(key, "ak_unknown"))
        refused(get_automation_execution.sync(execution, client=client), HTTPStatus(status))

    reader = connect(BASE_URL, DEMO["keys"]["reader"])
    other_tenant = UUID(DEMO["tenants"]["globex"])
    mismatch = get_automation_execution.sync(execution, client=reader, x_tenant_id=other_tenant)
    refused(mismatch, HTTPStatus.UNAUTHORIZED)
    stranger = connect(BASE_URL, DEMO["keys"]["reader"], tenant=other_tenant)
    refused(get_automation_execution.sync(execution, client=stranger), HTTPStatus.UNAUTHORIZED)
    refused(get_automation_rule.sync(uuid4(), client=reader), HTTPStatus.NOT_FOUND, "rule_not_found")
    refused(delete_automation_rule.sync(rule.rule_id, client=reader), HTTPStatus.FORBIDDEN, "permission_denied")

    operator = connect(BASE_URL, DEMO["keys"]["operator"])
    unknown = AutomationRuleInput(name="No such action", actions=[unheard_of()])
    problem = refused(create_automation_rule.sync(client=operator, body=unknown), HTTPStatus.BAD_REQUEST)
    assert not isinstance(problem.errors, Unset)
    assert problem.errors[0].pointer == "/actions/0/type"


async def read_an_execution_asynchronously() -> None:
    async with connect(BASE_URL, DEMO["keys"]["reader"]) as client:
        execution = UUID(DEMO["executions"]["completed"])
        answer = await get_automation_execution.asyncio(execution, client=client, x_tenant_id=TENANT)

    read = good(answer).data
    assert_type(read, AutomationExecution)
    assert_type(read.status, ExecutionStatus)
    assert_type(read.links, ExecutionLinks | Unset)
    assert_type(read.error_message, str | Unset | None)
    assert read.status is ExecutionStatus.COMPLETED
    assert read.error_message is None


async def find_executions_asynchronously() -> None:
    async with connect(BASE_URL, DEMO["keys"]["reader"]) as client:
        listed = iterate_async(list_automation_executions.asyncio, client=client, limit=2)
        found = [execution.execution_id async for execution in listed]

    assert len(found) == len(set(found)) > 2
    assert UUID(DEMO["executions"]["completed"]) in found


def good(answer: T | Problem | None) -> T:
    """Return an answer that is not a problem."""
    assert answer is not None
    assert not isinstance(answer, Problem), answer
    return answer


def refused(answer: object, status: HTTPStatus, code: str | None = None) -> Problem:
    """Return an answer that is a problem, of this status and code."""
    assert isinstance(answer, Problem), answer
    assert answer.status == status, answer
    assert code in {None, answer.code}, answer
    return answer


def execute(client: AuthenticatedClient, rule: AutomationRule) -> AutomationExecution:
    """Run a rule, whatever its conditions say."""
    body = RuleExecution(trigger_data=RuleExecutionTriggerData(), override_conditions=True, dry_run=False)
    answer = execute_automation_rule.sync(rule.rule_id, client=client, body=body)
    assert isinstance(answer, AutomationExecutionResponse), answer
    return answer.data


def reaches(
    client: AuthenticatedClient, execution: AutomationExecution, status: ExecutionStatus
) -> AutomationExecution:
    """Wait until an execution has a status."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = get_automation_execution.sync(execution.execution_id, client=client, x_tenant_id=TENANT)
        found = good(answer).data
        if found.status is status:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def orders(name: str) -> AutomationRuleInput:
    """Return a rule that says everything that a rule can say."""
    return AutomationRuleInput(
        name=name,
        description="Tells the warehouse of every order above 50.",
        status=WritableRuleStatus.ACTIVE,
        trigger_type=TriggerType.MANUAL,
        trigger_config=AutomationRuleInputTriggerConfig(),
        conditions=[Condition("trigger.total", ConditionOperator.GREATER_THAN, 50)],
        condition_logic=ConditionLogic.AND,
        actions=[webhook("/orders")],
        execution_timeout_seconds=600,
        max_concurrent_executions=5,
        concurrency_policy=ConcurrencyPolicy.QUEUE,
        priority=0,
    )


def replacing(rule: AutomationRuleInput) -> AutomationRuleReplacement:
    """Return a rule as what takes the place of another one."""
    return AutomationRuleReplacement.from_dict(rule.to_dict())


def call(path: str) -> AutomationRuleInput:
    """Return a rule that calls the demo's receiver."""
    return AutomationRuleInput(name=f"Call {path}", actions=[webhook(path)], status=WritableRuleStatus.ACTIVE)


def wait() -> AutomationRuleInput:
    """Return a rule that waits for an hour."""
    an_hour = WaitAction(WaitActionType.WAIT, WaitConfig(seconds=3600))
    return AutomationRuleInput(name="Wait for an hour", actions=[an_hour], status=WritableRuleStatus.ACTIVE)


def unheard_of() -> WaitAction:
    """Return an action of a type that is not installed, which no type of the client allows."""
    action = WaitAction(WaitActionType.WAIT, WaitConfig())
    action.type_ = cast("WaitActionType", Named("telegram"))
    return action


class Named:
    """Stands for a member of an enumeration."""

    def __init__(self, value: str) -> None:
        self.value = value


def webhook(path: str) -> WebhookCallAction:
    """Return an action that calls the demo's receiver."""
    return WebhookCallAction(
        WebhookCallActionType.WEBHOOK_CALL,
        WebhookCallConfig(
            url=f"{DEMO['receiver']}{path}",
            method=WebhookCallConfigMethodType0.POST,
            json={},
        ),
        continue_on_error=False,
        timeout_seconds=30,
        retry_attempts=0,
    )


if __name__ == "__main__":
    main()
