"""The shipped contract and the domain say alike what they both say."""

from dataclasses import fields
from enum import StrEnum
from importlib.metadata import version

import pytest

from automation.contract.document.naming import NO_PERMISSION
from automation.domain.audit import AuditActor, AuditEvent, AuditFilter, AuditOutcome, AuditResource
from automation.domain.bulk_operations import BulkAction, BulkFailure, BulkStatus
from automation.domain.errors import Violation
from automation.domain.executions import ExecutionFilter, ExecutionStatus, LogEntry, LogLevel
from automation.domain.permissions import Permission
from automation.domain.rules import (
    ConcurrencyPolicy,
    ConditionLogic,
    Rule,
    RuleAction,
    RuleContent,
    RuleFilter,
    RuleStatus,
    RuleSummary,
    RuleVersionRecord,
    RuleVersionSummary,
    TriggerType,
)
from automation.engine.expressions.conditions import Condition
from automation.engine.expressions.operators import Operator
from automation.engine.rules.plan import Plan, PlannedAction
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, SCHEMAS
from tests.storage.stored_executions import Execution


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        (AuditActor, "AuditActor"),
        (AuditOutcome, "AuditOutcome"),
        (AuditResource, "AuditResourceType"),
        (BulkAction, "BulkAction"),
        (BulkFailure, "BulkFailure"),
        (BulkStatus, "BulkStatus"),
        (ConcurrencyPolicy, "ConcurrencyPolicy"),
        (ConditionLogic, "ConditionLogic"),
        (ExecutionStatus, "ExecutionStatus"),
        (LogLevel, "LogLevel"),
        (Operator, "ConditionOperator"),
        (RuleStatus, "RuleStatus"),
        (TriggerType, "TriggerType"),
    ],
)
def test_an_enumeration_has_the_contracts_values_in_the_contracts_order(kind: type[StrEnum], component: str) -> None:
    assert [member.value for member in kind] == SCHEMAS[component]["enum"]


def test_a_rule_can_be_given_every_status_but_the_engines_own() -> None:
    writable = [status.value for status in RuleStatus if status is not RuleStatus.ERROR]

    assert SCHEMAS["WritableRuleStatus"]["enum"] == writable


def test_the_permissions_are_those_that_operations_require() -> None:
    required = {entry.node["x-required-permission"] for entry in ENTRIES if "x-required-permission" in entry.node}
    required -= {NO_PERMISSION}

    assert {permission.value for permission in Permission} == required


def test_the_permissions_are_in_alphabetical_order() -> None:
    assert [permission.value for permission in Permission] == sorted(permission.value for permission in Permission)


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        (AuditEvent, "AuditEvent"),
        (Condition, "Condition"),
        (Execution, "AutomationExecution"),
        (LogEntry, "AutomationExecutionLogEntry"),
        (Plan, "ExecutionPlan"),
        (PlannedAction, "PlannedAction"),
        (RuleAction, "AnyRuleAction"),
        (RuleContent, "AutomationRuleInput"),
        (RuleSummary, "AutomationRuleSummary"),
        (RuleVersionSummary, "AutomationRuleVersionSummary"),
        (Violation, "Violation"),
    ],
)
def test_a_value_has_the_fields_of_its_component(kind: type, component: str) -> None:
    assert {each.name for each in fields(kind)} == SCHEMAS[component]["properties"].keys() - {"_links"}


def test_a_summary_of_an_execution_leaves_out_what_is_large_and_nothing_else() -> None:
    summary, whole = SCHEMAS["AutomationExecutionSummary"], SCHEMAS["AutomationExecution"]
    large = {"logs", "trigger_data", "execution_context", "error_stack"}

    assert summary["properties"] == {name: each for name, each in whole["properties"].items() if name not in large}


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (AuditFilter, "listAuditEvents"),
        (ExecutionFilter, "listAutomationExecutions"),
        (RuleFilter, "listAutomationRules"),
    ],
)
def test_the_filters_of_a_list_are_its_parameters(kind: type, operation: str) -> None:
    [parameters] = [each.parameters for each in ENTRIES if each.name == operation]
    of_every_list = {"sort", "limit", "cursor", "include_total", "x-tenant-id", "If-Match", "If-None-Match"}

    assert {each.name for each in fields(kind)} == {each["name"] for each in parameters} - of_every_list


def test_a_summary_of_a_rule_leaves_out_what_it_does_and_nothing_else() -> None:
    summary, whole = SCHEMAS["AutomationRuleSummary"], SCHEMAS["AutomationRule"]
    large = {"trigger_config", "conditions", "condition_logic", "actions", "input_schema", "next_fire_at"}
    large |= {"concurrency_key", "deduplication_key", "debounce_seconds"}

    assert summary["properties"] == {name: each for name, each in whole["properties"].items() if name not in large}
    assert summary["required"] == [name for name in whole["required"] if name not in large]


def test_a_version_of_a_rule_has_what_a_rule_can_be_given() -> None:
    own = {each.name for each in fields(RuleVersionRecord)} - {"content", "revision"}
    shown = SCHEMAS["AutomationRuleVersion"]["properties"].keys() - {"_links"}

    assert own | {each.name for each in fields(RuleContent)} == shown


def test_a_rule_has_the_fields_of_its_component() -> None:
    own = {each.name for each in fields(Rule)} - {"content", "revision", "hook_token"}

    assert own | {each.name for each in fields(RuleContent)} == SCHEMAS["AutomationRule"]["properties"].keys() - {
        "_links"
    }


def test_what_a_rule_does_not_say_is_what_the_contract_says() -> None:
    written = SCHEMAS["AutomationRuleInput"]["properties"]
    stated = {name: schema["default"] for name, schema in written.items() if "default" in schema}

    defaults = {each.name: each.default for each in fields(RuleContent)}

    assert stated == {name: defaults[name] for name in stated}


def test_the_contract_has_the_version_of_the_package() -> None:
    assert DOCUMENT["info"]["version"] == version("automation-executions")
