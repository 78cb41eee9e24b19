"""Calls every operation with the generated Python client, as a stranger's program would, and looks at each answer.

Its environment says where the service is (``BASE_URL``) and what its demo.json says (``DEMO``). It is not checked with
the project's own code, but by mypy --strict with the client installed; ``assert_type`` says what the types have to be.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar, assert_type, cast
from uuid import UUID, uuid4

from automation_executions_client import AuthenticatedClient, Client, Refused, connect, iterate, iterate_async
from automation_executions_client.api.actions import list_action_types
from automation_executions_client.api.audit import list_audit_events
from automation_executions_client.api.contract import get_contract_json, get_contract_yaml
from automation_executions_client.api.events import publish_automation_event
from automation_executions_client.api.executions import (
    cancel_automation_execution,
    cancel_automation_executions,
    delete_automation_execution,
    delete_automation_executions,
    get_automation_execution,
    get_bulk_operation,
    list_automation_execution_attempts,
    list_automation_executions,
    list_bulk_operation_refusals,
    retry_automation_execution,
    retry_automation_executions,
)
from automation_executions_client.api.hooks import receive_webhook, rotate_automation_hook
from automation_executions_client.api.principal import get_current_principal
from automation_executions_client.api.rule_documents import get_automation_rule_open_api
from automation_executions_client.api.rules import (
    create_automation_rule,
    delete_automation_rule,
    execute_automation_rule,
    get_automation_rule,
    get_automation_rule_statistics,
    get_automation_rule_version,
    list_automation_rule_versions,
    list_automation_rules,
    patch_automation_rule,
    update_automation_rule,
)
from automation_executions_client.api.schedules import preview_automation_rule_schedule
from automation_executions_client.api.secrets import (
    delete_automation_secret,
    get_automation_secret,
    list_automation_secrets,
    put_automation_secret,
)
from automation_executions_client.api.service import get_liveness, get_readiness
from automation_executions_client.models import (
    AuditActor,
    AuditOutcome,
    AuditResourceType,
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
    AutomationRuleWritten,
    AutomationSecretInput,
    BulkChange,
    BulkChangeOfOneOutcome,
    BulkChangeResponse,
    BulkChangeResult,
    BulkOperationResponse,
    BulkRetry,
    BulkRetryFrom,
    BulkRetryRuleVersion,
    BulkStatus,
    CloudEvent,
    CloudEventSpecversion,
    ConcurrencyPolicy,
    Condition,
    ConditionLogic,
    ConditionOperator,
    ContractDocument,
    ExecutionFilter,
    ExecutionLinks,
    ExecutionPlanResponse,
    ExecutionRetry,
    ExecutionRetryFrom,
    ExecutionRetryRuleVersion,
    ExecutionRetryTriggerData,
    ExecutionStatus,
    HookRotation,
    InputSchemaType0,
    Labels,
    LivenessStatus,
    Problem,
    ReadinessStatus,
    ReceiveWebhookQuery,
    RuleExecution,
    RuleExecutionTriggerData,
    RuleLabels,
    RuleStatus,
    SortOrder,
    StatisticsBucket,
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
from automation_executions_client.types import UNSET, Response, Unset

BASE_URL = os.environ["BASE_URL"]
DEMO: dict[str, Any] = json.loads(os.environ["DEMO"])
TENANT = UUID(DEMO["tenants"]["acme"])
PATIENCE_SECONDS = 60
DEMO_OF_MANY = 7
"""The attempt of some executions of the demo, of which there are more than one request changes."""
LONG_AGO, LONG_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def main() -> None:
    """Call them all."""
    look_at_the_service()
    ask_who_is_calling()
    read_the_contract()
    look_at_the_actions()
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
        change_many(client)
        change_more_than_a_thousand(client)
        keep_a_secret(client)
        start_by_a_webhook(client)
        start_by_an_event(client)
        run_it_later(client)
        preview_schedules(client)
        find_executions(client, rule)
        see_how_its_runs_ended(client, rule)
        look_again(client, rule)
        find_rules(client, rule)
        find_who_did_it(client, rule)
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


def look_at_the_actions() -> None:
    client = connect(BASE_URL, DEMO["keys"]["reader"])

    types = {each.type_: each for each in good(list_action_types.sync(client=client, x_tenant_id=TENANT)).data}

    assert types.keys() >= {"email_notification", "wait", "webhook_call"}
    assert types["wait"].waits
    assert types["webhook_call"].config_schema.to_dict()["required"] == ["url"]
    assert not isinstance(types["webhook_call"].example, Unset)


def keep_a_secret(client: AuthenticatedClient) -> None:
    name, key = f"TOKEN_{uuid4().hex}", str(uuid4())
    body = AutomationSecretInput(value="4f9d2c71e8b35a60")

    kept, again = (
        put_automation_secret.sync_detailed(name, client=client, body=body, idempotency_key=key, x_tenant_id=TENANT)
        for _ in range(2)
    )
    assert [kept.status_code, again.status_code] == [HTTPStatus.CREATED] * 2
    assert good(again.parsed).data == good(kept.parsed).data
    known = good(get_automation_secret.sync(name, client=client, x_tenant_id=TENANT)).data
    assert (known.name, known) == (name, good(kept.parsed).data)
    assert put_automation_secret.sync_detailed(f"{name}_2", client=client, body=body).status_code == HTTPStatus.CREATED
    names = [each.name for each in iterate(list_automation_secrets.sync, client=client, limit=1, x_tenant_id=TENANT)]
    assert names[:2] == [f"{name}_2", name]

    deleted = delete_automation_secret.sync_detailed(
        name, client=client, idempotency_key=str(uuid4()), x_tenant_id=TENANT
    )
    assert (deleted.status_code, deleted.parsed) == (HTTPStatus.NO_CONTENT, None)
    delete_automation_secret.sync(f"{name}_2", client=client)
    refused(get_automation_secret.sync(name, client=client), HTTPStatus.NOT_FOUND, "secret_not_found")


def start_by_a_webhook(client: AuthenticatedClient) -> None:
    hooked = AutomationRuleInput(
        name="Take orders",
        actions=[webhook("/orders")],
        status=WritableRuleStatus.ACTIVE,
        trigger_type=TriggerType.WEBHOOK,
        trigger_config=AutomationRuleInputTriggerConfig.from_dict({"headers": ["X-Shop"]}),
    )
    made = good(create_automation_rule.sync(client=client, body=hooked))
    assert not isinstance(made.hook, Unset)

    anybody = Client(base_url=BASE_URL)
    query = ReceiveWebhookQuery.from_dict({"source": "shop"})
    delivered = good(receive_webhook.sync(made.hook.token, client=anybody, body={"order_id": 1042}, query=query)).data
    execution = good(get_automation_execution.sync(delivered.execution_id, client=client)).data
    ended = reaches(client, execution, ExecutionStatus.COMPLETED)
    assert not isinstance(ended.trigger_data, Unset)
    assert (ended.trigger_data["body"], ended.trigger_data["query"]) == ({"order_id": 1042}, {"source": "shop"})
    refused(receive_webhook.sync("no-such-token", client=anybody, body={}), HTTPStatus.NOT_FOUND, "not_found")

    rotated = good(
        rotate_automation_hook.sync(
            made.data.rule_id,
            client=client,
            body=HookRotation(overlap_seconds=0),
            idempotency_key=str(uuid4()),
            x_tenant_id=TENANT,
        )
    )
    assert rotated.data.rule_id == made.data.rule_id
    former = receive_webhook.sync(made.hook.token, client=anybody, body={})
    refused(former, HTTPStatus.NOT_FOUND, "not_found")


def start_by_an_event(client: AuthenticatedClient) -> None:
    name = f"order.{uuid4().hex}"
    rule = AutomationRuleInput(
        name="Take orders",
        actions=[webhook("/orders")],
        status=WritableRuleStatus.ACTIVE,
        trigger_type=TriggerType.EVENT,
        trigger_config=AutomationRuleInputTriggerConfig.from_dict({"types": [name]}),
    )
    waiting = good(create_automation_rule.sync(client=client, body=rule)).data
    event = CloudEvent(
        specversion=CloudEventSpecversion.VALUE_0,
        id=str(uuid4()),
        source="/shop",
        type_=name,
        subject="1042",
        time=datetime.now(UTC),
        datacontenttype="application/json",
        dataschema="https://shop.example/order",
        data={"order_id": 1042},
    )

    published = good(
        publish_automation_event.sync(client=client, body=event, idempotency_key=str(uuid4()), x_tenant_id=TENANT)
    ).data
    again = good(publish_automation_event.sync(client=client, body=event)).data
    assert [each.automation_rule_id for each in published[0].executions] == [waiting.rule_id]
    assert again == published

    raw = CloudEvent(
        specversion=CloudEventSpecversion.VALUE_0, id=str(uuid4()), source="/shop", type_=name, data_base64="AQID"
    )
    assert len(good(publish_automation_event.sync(client=client, body=raw)).data[0].executions) == 1


def run_it_later(client: AuthenticatedClient) -> None:
    asked = InputSchemaType0.from_dict({"type": "object", "required": ["order_id"]})
    key = "${trigger.order_id}"
    body = AutomationRuleInput(
        name="Run later",
        actions=[webhook("/orders")],
        status=WritableRuleStatus.ACTIVE,
        input_schema=asked,
        max_concurrent_executions=1,
        concurrency_key=key,
        deduplication_key=key,
        debounce_seconds=30,
    )
    rule = good(create_automation_rule.sync(client=client, body=body)).data
    same = patch_automation_rule.sync(
        rule.rule_id,
        client=client,
        body=AutomationRulePatch(input_schema=asked, concurrency_key=key, deduplication_key=key, debounce_seconds=30),
    )
    assert good(same).data.version == rule.version

    order = RuleExecutionTriggerData.from_dict({"order_id": 1042})
    run_at, expires_at = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) + timedelta(hours=2)
    for later in (
        RuleExecution(trigger_data=order, run_at=run_at, expires_at=expires_at),
        RuleExecution(order, delay="PT1H"),
    ):
        answer = execute_automation_rule.sync(rule.rule_id, client=client, body=later)
        assert isinstance(answer, AutomationExecutionResponse), answer
        assert not isinstance(answer.data.run_at, Unset)
        good(cancel_automation_execution.sync(answer.data.execution_id, client=client))
    unasked = execute_automation_rule.sync(rule.rule_id, client=client, body=RuleExecution())
    refused(unasked, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input")

    read = get_automation_rule_open_api.sync_detailed(rule.rule_id, client=client, x_tenant_id=TENANT)
    assert good(read.parsed).openapi.startswith("3.1")
    again = partial(get_automation_rule_open_api.sync_detailed, rule.rule_id, client=client)
    assert again(if_none_match=read.headers["etag"]).status_code == HTTPStatus.NOT_MODIFIED
    refused(again(if_match='"another"').parsed, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")


def preview_schedules(client: AuthenticatedClient) -> None:
    preview = partial(preview_automation_rule_schedule.sync, client=client)
    night, after = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)

    nightly = good(preview(cron="30 2 * * *", timezone="Europe/Berlin", after=night, x_tenant_id=TENANT)).data
    assert_type(nightly.times, list[datetime])
    assert nightly.times[:2] == [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]
    every_other_hour = preview(every="PT2H", anchor=night, starts_at=night, ends_at=after, after=night)
    assert good(every_other_hour).data.times[0] == night + timedelta(hours=2)
    refused(preview(), HTTPStatus.BAD_REQUEST, "invalid_parameter")


def see_how_its_runs_ended(client: AuthenticatedClient, rule: AutomationRule) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        told = good(get_automation_rule_statistics.sync(rule.rule_id, client=client, x_tenant_id=TENANT)).data
        if told.runs.completed:
            break
        assert time.monotonic() < deadline, told
        time.sleep(0.5)
    assert (told.failure_rate, told.bucket, told.time_zone) == (0, StatisticsBucket.HOUR, "UTC")
    assert_type(told.duration_ms.p95, float | None)

    by_day = get_automation_rule_statistics.sync(
        rule.rule_id,
        client=client,
        from_=datetime.now(UTC) - timedelta(days=2),
        to=datetime.now(UTC) + timedelta(days=1),
        bucket=StatisticsBucket.DAY,
        time_zone="Europe/Berlin",
    )
    assert sum(each.runs.completed for each in good(by_day).data.buckets) >= told.runs.completed


def look_again(client: AuthenticatedClient, rule: AutomationRule) -> None:
    execution = UUID(DEMO["executions"]["completed"])
    reads: list[Callable[..., Response[Any]]] = [
        partial(list_action_types.sync_detailed, client=client),
        partial(list_audit_events.sync_detailed, client=client, action=["createAutomationRule"], created_to=LONG_AGO),
        partial(get_automation_execution.sync_detailed, execution, client=client),
        partial(list_automation_execution_attempts.sync_detailed, execution, client=client),
        partial(list_automation_executions.sync_detailed, client=client, created_to=LONG_AGO),
        partial(list_automation_rules.sync_detailed, client=client),
        partial(get_automation_rule_statistics.sync_detailed, rule.rule_id, client=client, to=LONG_AGO),
        partial(list_automation_rule_versions.sync_detailed, rule.rule_id, client=client),
        partial(get_automation_rule_version.sync_detailed, rule.rule_id, 1, client=client),
        partial(list_automation_secrets.sync_detailed, client=client),
    ]

    for read in reads:
        etag = read().headers["etag"]
        assert read(if_none_match=etag).status_code == HTTPStatus.NOT_MODIFIED
        refused(read(if_match='"another"').parsed, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")


def write_a_rule(client: AuthenticatedClient) -> AutomationRule:
    created = create_automation_rule.sync_detailed(client=client, body=orders("Tell the warehouse"), x_tenant_id=TENANT)
    assert_type(created, Response[AutomationRuleWritten | Problem])
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

    assert_type(changed, AutomationRuleWritten | Problem | None)
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

    assert_type(patched, AutomationRuleWritten | Problem | None)
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

    number = str(uuid4())
    labels = Labels.from_dict({"number": number, "env": "prod"})
    labelled = execute(client, rule, labels).execution_id
    (item,) = iterate(list_automation_executions.sync, client=client, label=[f"number:{number}", "env:prod"])
    assert not isinstance(item.labels, Unset)
    assert (item.execution_id, item.labels.to_dict()) == (labelled, {"env": "prod", "event": "order", "number": number})
    some.append(labelled)
    reaches(client, good(get_automation_execution.sync(labelled, client=client)).data, ExecutionStatus.COMPLETED)

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
        label=["event:order"],
        deleted=False,
        sort=SortOrder.NEWEST_FIRST,
        limit=1,
        include_total=False,
        x_tenant_id=TENANT,
    )

    assert rule.rule_id in {each.rule_id for each in found}
    first, second, *_ = iterate(list_automation_rules.sync, client=client, limit=1)
    assert first.created_at >= second.created_at


def find_who_did_it(client: AuthenticatedClient, rule: AutomationRule) -> None:
    found = iterate(
        list_audit_events.sync,
        client=client,
        action=["createAutomationRule", "deleteAutomationRule"],
        outcome=AuditOutcome.DONE,
        actor=AuditActor.USER,
        user_id=rule.created_by,
        resource_type=AuditResourceType.RULE,
        resource_id=str(rule.rule_id),
        created_from=LONG_AGO,
        created_to=LONG_AHEAD,
        sort=SortOrder.NEWEST_FIRST,
        limit=1,
        include_total=False,
        x_tenant_id=TENANT,
    )

    assert [event.action for event in found] == ["createAutomationRule"]
    first, second, *_ = iterate(list_audit_events.sync, client=client, limit=1)
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
    plan = answer.data
    assert not isinstance(plan, Unset)
    assert not plan.would_run
    assert plan.conditions[0].operator is ConditionOperator.GREATER_THAN


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


def change_many(client: AuthenticatedClient) -> None:
    waiting = good(create_automation_rule.sync(client=client, body=wait())).data
    ids = [execute(client, waiting).execution_id for _ in range(2)]
    of_rule = ExecutionFilter(automation_rule_id=[waiting.rule_id])

    def all_cancelled() -> None:
        for each in ids:
            reaches(client, good(get_automation_execution.sync(each, client=client)).data, ExecutionStatus.CANCELLED)

    planned = at_once(cancel_automation_executions.sync(client=client, body=BulkChange(ids=ids, dry_run=True)))
    assert (planned.dry_run, planned.done) == (True, 2)
    cancelled = at_once(
        cancel_automation_executions.sync(
            client=client, body=BulkChange(ids=ids), idempotency_key=str(uuid4()), x_tenant_id=TENANT
        )
    )
    assert [(each.execution_id, each.outcome) for each in cancelled.results] == [
        (each, BulkChangeOfOneOutcome.DONE) for each in ids
    ]
    all_cancelled()

    meant = at_once(retry_automation_executions.sync(client=client, body=BulkRetry(filter_=of_rule, dry_run=True)))
    assert (meant.dry_run, meant.done) == (True, len(ids))
    how = BulkRetry(ids=ids, from_=BulkRetryFrom.START, rule_version=BulkRetryRuleVersion.ORIGINAL, dry_run=False)
    retried = retry_automation_executions.sync(
        client=client, body=how, idempotency_key=str(uuid4()), x_tenant_id=TENANT
    )
    assert at_once(retried).done == len(ids)
    again = at_once(cancel_automation_executions.sync(client=client, body=BulkChange(filter_=of_rule)))
    assert (again.done, again.matched.count, again.matched.exact) == (len(ids), len(ids), True)
    all_cancelled()

    late = delete_automation_execution.sync(ids[0], client=client, if_match='"another"')
    refused(late, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")
    one = delete_automation_execution.sync_detailed(
        ids[0], client=client, if_none_match='"another"', idempotency_key=str(uuid4()), x_tenant_id=TENANT
    )
    assert (one.status_code, one.parsed) == (HTTPStatus.NO_CONTENT, None)
    deleted = delete_automation_executions.sync(
        client=client,
        body=BulkChange(filter_=of_rule, dry_run=False),
        idempotency_key=str(uuid4()),
        x_tenant_id=TENANT,
    )
    assert at_once(deleted).done == 1
    gone = at_once(delete_automation_executions.sync(client=client, body=BulkChange(ids=ids)))
    assert [each.code for each in gone.results] == ["execution_not_found"] * len(ids)

    nowhere = uuid4()
    none = get_bulk_operation.sync(nowhere, client=client, x_tenant_id=TENANT)
    refused(none, HTTPStatus.NOT_FOUND, "bulk_operation_not_found")
    nothing = list_bulk_operation_refusals.sync(nowhere, client=client, limit=1, x_tenant_id=TENANT)
    refused(nothing, HTTPStatus.NOT_FOUND, "bulk_operation_not_found")
    lost = list_bulk_operation_refusals.sync(nowhere, client=client, cursor="made-up")
    refused(lost, HTTPStatus.BAD_REQUEST, "invalid_cursor")


def change_more_than_a_thousand(client: AuthenticatedClient) -> None:
    of_many = BulkChange(filter_=ExecutionFilter(attempt_min=DEMO_OF_MANY))

    answer = cancel_automation_executions.sync(client=client, body=of_many)
    assert isinstance(answer, BulkOperationResponse), answer
    begun, deadline = answer.data, time.monotonic() + PATIENCE_SECONDS
    while True:
        operation = good(get_bulk_operation.sync(begun.bulk_operation_id, client=client, x_tenant_id=TENANT)).data
        if operation.status is BulkStatus.COMPLETED:
            break
        assert time.monotonic() < deadline, operation
        time.sleep(0.5)
    assert begun.matched.count > 1000
    assert (operation.done, operation.refused) == (0, begun.matched.count)

    listed = iterate(
        list_bulk_operation_refusals.sync, begun.bulk_operation_id, client=client, limit=100, x_tenant_id=TENANT
    )
    refusals = list(listed)
    assert len({each.execution_id for each in refusals}) == begun.matched.count
    assert {each.code for each in refusals} == {"execution_finished"}
    read = partial(list_bulk_operation_refusals.sync_detailed, begun.bulk_operation_id, client=client, limit=1)
    page = read()
    assert read(if_none_match=page.headers["etag"]).status_code == HTTPStatus.NOT_MODIFIED
    refused(read(if_match='"another"').parsed, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")


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
    refused(executed, HTTPStatus.CONFLICT, "rule_deleted")


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
        listed = iterate_async(list_automation_executions.asyncio, client=client, limit=100)
        found = [execution.execution_id async for execution in listed]

    assert len(found) == len(set(found)) > 100
    assert UUID(DEMO["executions"]["completed"]) in found


def good(answer: T | Problem | None) -> T:
    """Return an answer that is not a problem."""
    assert answer is not None
    assert not isinstance(answer, Problem), answer
    return answer


def at_once(answer: BulkChangeResponse | BulkOperationResponse | Problem | None) -> BulkChangeResult:
    """Return what became of executions that were changed at once: there were not so many that it took a while."""
    assert isinstance(answer, BulkChangeResponse), answer
    return answer.data


def refused(answer: object, status: HTTPStatus, code: str | None = None) -> Problem:
    """Return an answer that is a problem, of this status and code."""
    assert isinstance(answer, Problem), answer
    assert answer.status == status, answer
    assert code in {None, answer.code}, answer
    return answer


def execute(client: AuthenticatedClient, rule: AutomationRule, labels: Labels | Unset = UNSET) -> AutomationExecution:
    """Run a rule, whatever its conditions say."""
    trigger_data = RuleExecutionTriggerData()
    body = RuleExecution(trigger_data=trigger_data, override_conditions=True, dry_run=False, labels=labels)
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
        labels=RuleLabels.from_dict({"event": "order"}),
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
