"""Lists executions by filters, page by page: one round trip, at a cost that neither depth nor table changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from sqlalchemy import (
    ColumnElement,
    Double,
    Integer,
    Text,
    Uuid,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from automation.domain.executions import FINISHED, ExecutionDocument, ExecutionFilter, ExecutionStatus
from automation.domain.pages import Page, PageRequest, Total, given, page_of
from automation.storage.page_reading import read_page
from automation.storage.pool.database import Database
from automation.storage.tables import automation_executions, automation_rule_versions
from automation.storage.walks import Columns, Condition, Order, Statements, Walk, bounds, statements

_TIME = TIMESTAMP(timezone=True)
_EXECUTIONS = automation_executions.c
_TENANT = bindparam("tenant", type_=Uuid())
_STATUS, _RULE = literal_column("walked.status", Text()), literal_column("walked.rule", Uuid())


def _has_trigger_type(executions: Columns) -> ColumnElement[bool]:
    versions = automation_rule_versions.c
    return exists().where(
        versions.tenant == _TENANT,
        versions.rule_id == executions.automation_rule_id,
        versions.version == executions.rule_version,
        versions.trigger_type == bindparam("trigger_type", type_=Text()),
    )


def _has_error(executions: Columns) -> ColumnElement[bool]:
    part = func.lower(bindparam("error_contains", type_=Text()))
    return func.strpos(func.lower(executions.error_message), part) > literal_column("0", Integer())


# What indexes find: bounds of what is walked.
_SEEKS: Mapping[str, ColumnElement[bool]] = MappingProxyType(
    {
        "created_from": _EXECUTIONS.created_at >= bindparam("created_from", type_=_TIME),
        "created_to": _EXECUTIONS.created_at < bindparam("created_to", type_=_TIME),
        # Nothing starts or ends before it was created.
        "started_to": _EXECUTIONS.created_at < bindparam("started_to", type_=_TIME),
        "completed_to": _EXECUTIONS.created_at < bindparam("completed_to", type_=_TIME),
    }
)
# What is looked at on the way.
_CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        "trigger_type": _has_trigger_type,
        "started_from": lambda executions: executions.started_at >= bindparam("started_from", type_=_TIME),
        "started_to": lambda executions: executions.started_at < bindparam("started_to", type_=_TIME),
        "completed_from": lambda executions: executions.completed_at >= bindparam("completed_from", type_=_TIME),
        "completed_to": lambda executions: executions.completed_at < bindparam("completed_to", type_=_TIME),
        "duration_min_ms": lambda executions: executions.duration_ms >= bindparam("duration_min_ms", type_=Double()),
        "duration_max_ms": lambda executions: executions.duration_ms <= bindparam("duration_max_ms", type_=Double()),
        "error_contains": _has_error,
        "attempt_min": lambda executions: executions.attempt >= bindparam("attempt_min", type_=Integer()),
    }
)
# Filters that only what has ended can meet.
_OF_ENDS = frozenset({"completed_from", "completed_to", "duration_min_ms", "duration_max_ms"})

# The contract's AutomationExecutionSummary without _links, made as get_execution_v1 makes an execution.
_SUMMARY = literal_column(
    """concat(
        '{"execution_id":"', page.id,
        '","automation_rule_id":"', page.automation_rule_id,
        '","tenant":"', page.tenant,
        '","rule_version":', page.rule_version,
        ',"attempt":', page.attempt,
        ',"priority":', page.priority,
        ',"status":"', page.status,
        '","created_at":"', to_char(page.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
        ',"started_at":"' || to_char(page.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
        ',"completed_at":', coalesce(
            '"' || to_char(page.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', 'null'),
        ',"duration_ms":', coalesce(page.duration_ms::text, 'null'),
        ',"actions_total":', page.actions_total,
        ',"actions_successful":', page.actions_successful,
        ',"actions_failed":', page.actions_failed,
        ',"error_message":', coalesce(to_json(page.error_message)::text, 'null'),
        ',"failed_action_index":', coalesce(page.failed_action_index::text, 'null'),
        '}')""",
    Text(),
).label("document")
_SUMMARISED = (
    *("automation_rule_id", "tenant", "rule_version", "attempt", "priority", "status", "started_at", "completed_at"),
    *("duration_ms", "actions_total", "actions_successful", "actions_failed", "error_message", "failed_action_index"),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a list's statements depend on: which filters there are, but not their values."""

    filters: frozenset[str]
    order: Order


class ExecutionList:
    """The lists of the executions of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: UUID, wanted: ExecutionFilter, request: PageRequest) -> Page[ExecutionDocument]:
        """Return a page of a tenant's executions, each as the contract's ``AutomationExecutionSummary``.

        Raises:
            Unavailable: where no database answers.
        """
        made, values = statements_of(tenant, wanted, request)
        if not values["statuses"]:
            return page_of(request, [], total=Total(0, exact=True) if request.include_total else None)
        return await read_page(self._database, request, made, values, _document)


def statements_of(tenant: UUID, wanted: ExecutionFilter, request: PageRequest) -> tuple[Statements, Mapping[str, Any]]:
    """Return the statements of a page, and the values that they take."""
    filters = given(wanted)
    walks = _walks(wanted, filters)
    made = _statements(_Kind(frozenset(filters), Order.of(request)))
    count = max(1, len(walks["statuses"]))
    return made, {"tenant": tenant, **filters, **walks, **bounds(request, count)}


def _walks(wanted: ExecutionFilter, filters: Mapping[str, object]) -> dict[str, list[Any]]:
    """Return the walks of a list: the statuses that it can have, each with each of the rules where these are given."""
    possible = FINISHED if filters.keys() & _OF_ENDS else tuple(ExecutionStatus)
    statuses = [status.value for status in possible if not wanted.status or status in wanted.status]
    rules: list[UUID | None] = [*dict.fromkeys(wanted.automation_rule_id)] or [None]
    return {"statuses": statuses * len(rules), "rules": [rule for rule in rules for _ in statuses]}


@lru_cache(maxsize=1024)
def _statements(kind: _Kind) -> Statements:
    walked = (
        func.unnest(bindparam("statuses", type_=ARRAY(Text())), bindparam("rules", type_=ARRAY(Uuid())))
        .table_valued(column("status", Text()), column("rule", Uuid()))
        .render_derived(name="walked")
    )
    columns = [_EXECUTIONS[name] for name in _SUMMARISED]
    rows = select(_EXECUTIONS.created_at, _EXECUTIONS.execution_id.label("id"), *columns)
    rows = rows.where(_EXECUTIONS.tenant == _TENANT, _EXECUTIONS.status == _STATUS)
    if "automation_rule_id" in kind.filters:
        rows = rows.where(_EXECUTIONS.automation_rule_id == _RULE)
    rows = rows.where(*(condition for name, condition in _SEEKS.items() if name in kind.filters))
    conditions = [condition for name, condition in _CONDITIONS.items() if name in kind.filters]
    walk = Walk(walked, rows, (_EXECUTIONS.created_at, _EXECUTIONS.execution_id), conditions)
    return statements(walk, kind.order, lambda page: [page.automation_rule_id, page.status, _SUMMARY])


def _document(row: DictRow) -> ExecutionDocument:
    return ExecutionDocument(
        execution_id=row["id"],
        automation_rule_id=row["automation_rule_id"],
        status=ExecutionStatus(row["status"]),
        json=row["document"].encode(),
    )
