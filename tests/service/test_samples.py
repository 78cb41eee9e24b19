"""The demo's executions, as values: they look like what real runs leave."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from automation.domain.executions import Execution, ExecutionStatus, LogLevel
from automation.service.samples import TENANTS, executions, rule

NOW = datetime(2026, 11, 2, 8, 15, 30, tzinfo=UTC)
EXECUTIONS = executions(NOW)
ENDED = {status.value for status in ExecutionStatus} - {"pending", "running"}


def test_there_is_one_for_each_status_and_one_of_the_other_tenant() -> None:
    statuses = {name: execution.status for name, execution in EXECUTIONS.items() if name != "globex"}

    assert statuses == {status.value: status for status in ExecutionStatus}
    assert {EXECUTIONS[name].tenant for name in statuses} == {TENANTS["acme"]}
    assert EXECUTIONS["globex"].tenant == TENANTS["globex"]


def test_identifiers_are_the_same_at_any_time() -> None:
    later = executions(NOW + timedelta(days=1))

    assert {name: execution.execution_id for name, execution in later.items()} == {
        name: execution.execution_id for name, execution in EXECUTIONS.items()
    }
    assert len({execution.execution_id for execution in EXECUTIONS.values()}) == len(EXECUTIONS)


@pytest.mark.parametrize("execution", EXECUTIONS.values(), ids=EXECUTIONS)
def test_it_belongs_to_the_rule_of_its_tenant(execution: Execution) -> None:
    owner = next(name for name, tenant in TENANTS.items() if tenant == execution.tenant)

    assert execution.automation_rule_id == rule(owner, NOW).rule_id
    assert rule(owner, NOW).updated_at < execution.created_at < NOW


@pytest.mark.parametrize("name", ENDED)
def test_one_that_ended_has_its_times(name: str) -> None:
    execution = EXECUTIONS[name]
    assert execution.started_at is not None
    assert execution.completed_at is not None

    lasted = (execution.completed_at - execution.started_at) / timedelta(milliseconds=1)

    assert lasted == pytest.approx(execution.duration_ms)
    assert execution.created_at < execution.started_at
    assert {execution.started_at <= entry.timestamp <= execution.completed_at for entry in execution.logs} == {True}


@pytest.mark.parametrize("name", ["failed", "timeout"])
def test_one_that_failed_says_what_where_and_why(name: str) -> None:
    execution = EXECUTIONS[name]

    assert execution.error_message
    assert execution.error_stack
    assert execution.failed_action_index == 1
    assert (execution.actions_successful, execution.actions_failed) == (1, 1)
    assert execution.logs[-1].level is LogLevel.ERROR


def test_one_that_has_not_started_has_neither_times_nor_logs() -> None:
    pending = EXECUTIONS["pending"]

    assert (pending.started_at, pending.completed_at, pending.duration_ms, pending.logs) == (None, None, None, ())


def test_the_completed_one_is_of_a_usual_size() -> None:
    assert 2000 < len(orjson.dumps(EXECUTIONS["completed"])) < 3000
