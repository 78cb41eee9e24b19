"""The document that PostgreSQL makes of an execution is the contract's, field by field."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import ExecutionNotFound
from automation.domain.executions import ExecutionDocument, ExecutionStatus, LogEntry, LogLevel
from automation.storage.executions import Executions
from tests.databases import DatabaseUrls
from tests.storage.samples import CREATED_AT, Sample
from tests.storage.stored_executions import Execution, add_execution

NULLABLE = {"completed_at", "duration_ms", "error_message", "error_stack", "failed_action_index"}
TRICKY = (
    "quotes \" and ' and \\, a slash /, a tab \t, a line\nbreak, a bell \x07, </script>, % and %s, {0}, ünïcödé 漢字 🚀"
    " and separators \u2028 \u2029 \ufeff"
)

OPTIONAL: dict[str, Any] = {
    "trigger_data": {"order": 7, "tricky": TRICKY, TRICKY: [None, True, 1.5, {}, []], "empty": {}},
    "started_at": CREATED_AT + timedelta(seconds=1),
    "completed_at": CREATED_AT + timedelta(seconds=2, microseconds=1),
    "duration_ms": 1000.001,
    "error_message": TRICKY,
    "error_stack": "first line\n  second line",
    "failed_action_index": 0,
    "execution_context": {"region": "eu-west-1", "deep": [[[{"a": {"b": TRICKY}}]]]},
    "logs": (
        LogEntry(timestamp=CREATED_AT, level=LogLevel.DEBUG, message="bare"),
        LogEntry(timestamp=CREATED_AT, level=LogLevel.WARN, message=TRICKY, action_index=0, metadata={"k": TRICKY}),
        LogEntry(timestamp=CREATED_AT - timedelta(hours=1), level=LogLevel.ERROR, message="", metadata={}),
    ),
}


def expected(execution: Execution) -> dict[str, Any]:
    """Return the contract's form of an execution, made without SQL."""
    document = {name: value for name, value in asdict(execution).items() if name in NULLABLE or value not in (None, ())}
    if execution.logs:
        document["logs"] = [
            {name: value for name, value in entry.items() if value is not None} for entry in document["logs"]
        ]
    plain: dict[str, Any] = json.loads(json.dumps(document, default=_text))
    return plain


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert isinstance(value, UUID)
    return str(value)


async def document_of(executions: Executions, execution: Execution) -> dict[str, Any]:
    read = await executions.read(execution.tenant, execution.execution_id)
    document: dict[str, Any] = json.loads(read.json)
    return document


async def test_with_every_optional_field_unset(ours: Sample, executions: Executions) -> None:
    execution = ours.add_execution()

    document = await document_of(executions, execution)

    assert document == expected(execution)
    assert document.keys() > NULLABLE
    assert not {"trigger_data", "started_at", "execution_context", "logs"} & document.keys()


async def test_with_every_optional_field_set(ours: Sample, executions: Executions) -> None:
    execution = ours.add_execution(
        status=ExecutionStatus.FAILED, actions_total=3, actions_successful=2, actions_failed=1, **OPTIONAL
    )

    document = await document_of(executions, execution)

    assert document == expected(execution)


@pytest.mark.parametrize("field", sorted(OPTIONAL))
async def test_with_one_optional_field_set(ours: Sample, executions: Executions, field: str) -> None:
    execution = ours.add_execution(**{field: OPTIONAL[field]})

    document = await document_of(executions, execution)

    assert document == expected(execution)


@pytest.mark.parametrize("field", sorted(OPTIONAL))
async def test_with_one_optional_field_unset(ours: Sample, executions: Executions, field: str) -> None:
    execution = ours.add_execution(**{name: value for name, value in OPTIONAL.items() if name != field})

    document = await document_of(executions, execution)

    assert document == expected(execution)


@pytest.mark.parametrize("status", ExecutionStatus)
async def test_every_status_is_stored_and_told(ours: Sample, executions: Executions, status: ExecutionStatus) -> None:
    execution = ours.add_execution(status=status)

    read = await executions.read(ours.tenant, execution.execution_id)

    assert read.status is status
    assert (read.execution_id, read.automation_rule_id) == (execution.execution_id, ours.rule.rule_id)


@pytest.mark.parametrize("duration", [0.0, 0.1, 1e-300, 5e-324, 1 / 3, 123456789.123456, 1e16, 1.7976931348623157e308])
async def test_a_duration_comes_back_as_the_same_number(ours: Sample, executions: Executions, duration: float) -> None:
    execution = ours.add_execution(duration_ms=duration)

    document = await document_of(executions, execution)

    assert document["duration_ms"] == duration


@pytest.mark.parametrize("duration", [-1.0, float("nan"), float("inf"), float("-inf")])
def test_a_duration_that_is_no_length_of_time_is_refused(
    ours: Sample, database_urls: DatabaseUrls, duration: float
) -> None:
    with psycopg.connect(database_urls.worker) as worker:
        worker.execute("SELECT set_config('app.tenant', %s, true)", (str(ours.tenant),))

        with pytest.raises(psycopg.errors.CheckViolation):
            worker.execute("UPDATE automation_executions SET duration_ms = %s", (duration,))


async def test_big_objects_and_many_log_entries(ours: Sample, executions: Executions) -> None:
    entries = tuple(
        LogEntry(timestamp=CREATED_AT, level=LogLevel.INFO, message=f"{number} {TRICKY}", metadata={"n": number})
        for number in range(1_000)
    )
    payload = {f"key {number}": TRICKY * 20 for number in range(500)}
    execution = ours.add_execution(trigger_data=payload, execution_context=payload, logs=entries)

    document = await document_of(executions, execution)

    assert document == expected(execution)


async def test_times_are_utc_whatever_they_were_written_in(ours: Sample, executions: Executions) -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    execution = ours.add_execution(started_at=datetime(2026, 1, 1, 1, 0, tzinfo=kathmandu))

    document = await document_of(executions, execution)

    assert document["started_at"] == "2025-12-31T19:15:00.000000Z"


def test_the_document_does_not_depend_on_the_session(ours: Sample, database_urls: DatabaseUrls) -> None:
    execution = ours.add_execution(status=ExecutionStatus.FAILED, **OPTIONAL)
    query = "SELECT document FROM get_execution_v1(%s, %s)"
    settings = {
        "TimeZone": "Asia/Kathmandu",
        "DateStyle": "German, DMY",
        "IntervalStyle": "sql_standard",
        "lc_time": "C",
        "bytea_output": "escape",
        "standard_conforming_strings": "off",
        "search_path": '"$user", public',
        "array_nulls": "off",
        "row_security": "on",
    }

    with psycopg.connect(database_urls.api, autocommit=True) as api:
        plain = api.execute(query, (ours.tenant, execution.execution_id)).fetchone()
        for name, value in settings.items():
            api.execute("SELECT set_config(%s, %s, false)", (name, value))
        odd = api.execute(query, (ours.tenant, execution.execution_id)).fetchone()

    assert odd == plain


async def test_an_absent_execution_is_not_found(ours: Sample, executions: Executions) -> None:
    with pytest.raises(ExecutionNotFound):
        await executions.read(ours.tenant, uuid4())


async def test_an_execution_of_another_tenant_is_not_found(
    ours: Sample, theirs: Sample, executions: Executions
) -> None:
    with pytest.raises(ExecutionNotFound):
        await executions.read(ours.tenant, theirs.execution.execution_id)


def test_an_execution_that_is_added_twice_stays_as_it_was(ours: Sample, database_urls: DatabaseUrls) -> None:
    again = ours.execution

    add_execution(ours.administration, again)

    with psycopg.connect(database_urls.admin) as admin:
        counted = admin.execute(
            "SELECT count(*) FROM automation_execution_logs WHERE execution_id = %s", (again.execution_id,)
        ).fetchone()
    assert counted == (1,)


async def test_executions_that_are_read_together_are_each_read_as_their_own_tenant(
    executions: Executions, ours: Sample, theirs: Sample
) -> None:
    mine, foreign = ours.execution.execution_id, theirs.execution.execution_id
    asked = [(ours.tenant, mine), (ours.tenant, foreign), (theirs.tenant, foreign), (theirs.tenant, mine)]

    read = await asyncio.gather(*(executions.read(*each) for each in asked), return_exceptions=True)

    assert [type(each) for each in read] == [ExecutionDocument, ExecutionNotFound] * 2
    shown = [json.loads(each.json)["tenant"] for each in read if isinstance(each, ExecutionDocument)]
    assert shown == [str(ours.tenant), str(theirs.tenant)]
