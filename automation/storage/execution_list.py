"""Lists executions by filters, page by page: one round trip, at a cost that neither depth nor table changes."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    Integer,
    Subquery,
    TableValuedAlias,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from automation.domain.executions import FINISHED, ExecutionDocument, ExecutionFilter, ExecutionStatus
from automation.domain.labels import pairs
from automation.domain.pages import Page, PageRequest, Total, given, page_of
from automation.storage.page_reading import read_page
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import encoded
from automation.storage.tables import automation_execution_labels, automation_executions, automation_rule_versions
from automation.storage.walks import Columns, Condition, Kind, Order, Statements, Walk, bounds, statements, written_by

_TIME = TIMESTAMP(timezone=True)
_EXECUTIONS = automation_executions.c
_TENANT = bindparam("tenant", type_=Uuid())
_LABELS = automation_execution_labels.c
_SEVERAL_LABELS = "several labels"
_RARE = literal_column("1000", Integer())
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


# What indexes find: bounds of the time of creation, by which everything is walked.
_SEEKS: Mapping[str, Callable[[Column[Any]], ColumnElement[bool]]] = MappingProxyType(
    {
        "created_from": lambda created_at: created_at >= bindparam("created_from", type_=_TIME),
        "created_to": lambda created_at: created_at < bindparam("created_to", type_=_TIME),
        # Nothing starts or ends before it was created.
        "started_to": lambda created_at: created_at < bindparam("started_to", type_=_TIME),
        "completed_to": lambda created_at: created_at < bindparam("completed_to", type_=_TIME),
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
# What is looked at on the way, too, where a label is walked.
_OF_LABELLED: Mapping[str, Condition] = MappingProxyType(
    {
        "status": lambda executions: executions.status == any_(bindparam("statuses", type_=ARRAY(Text()))),
        "automation_rule_id": lambda executions: (
            executions.automation_rule_id == any_(bindparam("rules", type_=ARRAY(Uuid())))
        ),
        _SEVERAL_LABELS: lambda executions: executions.labels.contains(
            cast(bindparam("labels", type_=Text()), JSONB())
        ),
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
        ',"labels":', page.labels,
        ',"status":"', page.status,
        '","created_at":"', to_char(page.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
        ',"run_at":"' || to_char(page.run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
        ',"expires_at":"' || to_char(page.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
        ',"started_at":"' || to_char(page.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
        ',"completed_at":', coalesce(
            '"' || to_char(page.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', 'null'),
        ',"duration_ms":', coalesce(page.duration_ms::text, 'null'),
        ',"actions_total":', page.actions_total,
        ',"actions_successful":', page.actions_successful,
        ',"actions_failed":', page.actions_failed,
        ',"error_message":', coalesce(to_json(page.error_message)::text, 'null'),
        ',"failed_action_index":', coalesce(page.failed_action_index::text, 'null'),
        ',"request_id":' || to_json(page.request_id)::text,
        ',"triggered_by":' || page.triggered_by::text,
        '}')""",
    Text(),
).label("document")
_SUMMARISED = (
    *("automation_rule_id", "tenant", "rule_version", "attempt", "priority", "labels", "status"),
    *("run_at", "expires_at", "started_at", "completed_at"),
    *("duration_ms", "actions_total", "actions_successful", "actions_failed", "error_message", "failed_action_index"),
    *("request_id", "triggered_by"),
)
# What tells of an execution's progress, as in get_execution_v1.
_BESIDE = ("log_entries", "results_bytes")
_PROGRESS = ("attempt", *_BESIDE)


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
            total = Total(0, exact=True) if request.include_total else None
            return page_of(request, [], total=total, revision="nothing")
        return await read_page(self._database, request, made, values, _document)


def statements_of(tenant: UUID, wanted: ExecutionFilter, request: PageRequest) -> tuple[Statements, Mapping[str, Any]]:
    """Return the statements of a page, and the values that they take."""
    filters = given(wanted)
    labels = dict(pairs(wanted.label))
    shape = filters.keys() | ({_SEVERAL_LABELS} if len(labels) > 1 else set())
    made = _statements(Kind(frozenset(shape), Order.of(request)))
    walks = _walks(wanted, filters)
    count = 1 if labels else max(1, len(walks["statuses"]))
    labelled = {"label_keys": list(labels), "label_values": list(labels.values()), "labels": encoded(labels)}
    return made, {"tenant": tenant, **filters, **walks, **labelled, **bounds(request, count)}


def _walks(wanted: ExecutionFilter, filters: Mapping[str, object]) -> dict[str, list[Any]]:
    """Return the walks of a list: the statuses that it can have, each with each of the rules where these are given."""
    possible = FINISHED if filters.keys() & _OF_ENDS else tuple(ExecutionStatus)
    statuses = [status.value for status in possible if not wanted.status or status in wanted.status]
    rules: list[UUID | None] = [*dict.fromkeys(wanted.automation_rule_id)] or [None]
    return {"statuses": statuses * len(rules), "rules": [rule for rule in rules for _ in statuses]}


@lru_cache(maxsize=1024)
def _statements(kind: Kind) -> Statements:
    walk = _of_label(kind.filters) if "label" in kind.filters else _of_status(kind.filters)
    return statements(walk, kind.order, lambda page: [page.automation_rule_id, page.status, _SUMMARY])


def _of_status(filters: frozenset[str]) -> Walk:
    """Return a walk for each status, or for each pair of a rule and a status, along an index of executions."""
    walked = (
        func.unnest(bindparam("statuses", type_=ARRAY(Text())), bindparam("rules", type_=ARRAY(Uuid())))
        .table_valued(column("status", Text()), column("rule", Uuid()))
        .render_derived(name="walked")
    )
    rows = select(_EXECUTIONS.created_at, _EXECUTIONS.execution_id.label("id"), *_columns())
    rows = rows.where(_EXECUTIONS.tenant == _TENANT, _EXECUTIONS.status == _STATUS)
    if "automation_rule_id" in filters:
        rows = rows.where(_EXECUTIONS.automation_rule_id == _RULE)
    rows = rows.where(*(bound(_EXECUTIONS.created_at) for name, bound in _SEEKS.items() if name in filters))
    conditions = [condition for name, condition in _CONDITIONS.items() if name in filters]
    return Walk(walked, rows, (_EXECUTIONS.created_at, _EXECUTIONS.execution_id), conditions, _PROGRESS)


def _columns() -> list[ColumnElement[Any]]:
    return [written_by(automation_executions), *(_EXECUTIONS[name] for name in (*_SUMMARISED, *_BESIDE))]


def _of_label(filters: frozenset[str]) -> Walk:
    """Return one walk along the index of labels: of several the one that the fewest executions have, or 1,000.

    What is joined exists, as the labels' foreign key says; by an outer join PostgreSQL leaves it out where nothing is
    asked of it.
    """
    joined = automation_execution_labels.outerjoin(
        automation_executions,
        and_(_EXECUTIONS.tenant == _LABELS.tenant, _EXECUTIONS.execution_id == _LABELS.execution_id),
    )
    rows = select(_LABELS.created_at, _LABELS.execution_id.label("id"), *_columns()).select_from(joined)
    rows = rows.where(
        _LABELS.tenant == _TENANT,
        _LABELS.key == literal_column("walked.key", Text()),
        _LABELS.value == literal_column("walked.value", Text()),
        *(bound(_LABELS.created_at) for name, bound in _SEEKS.items() if name in filters),
    )
    looked_at = {**_CONDITIONS, **_OF_LABELLED}
    conditions = [condition for name, condition in looked_at.items() if name in filters]
    walked = _rarest() if _SEVERAL_LABELS in filters else _labels().render_derived(name="walked")
    return Walk(walked, rows, (_LABELS.created_at, _LABELS.execution_id), conditions, _PROGRESS)


def _labels() -> TableValuedAlias:
    keys, values = (bindparam(name, type_=ARRAY(Text())) for name in ("label_keys", "label_values"))
    return func.unnest(keys, values).table_valued(column("key", Text()), column("value", Text()))


def _rarest() -> Subquery:
    label = _labels().render_derived(name="label")
    same = (
        select(_LABELS.execution_id)
        .where(_LABELS.tenant == _TENANT, _LABELS.key == label.c.key, _LABELS.value == label.c.value)
        .order_by(_LABELS.created_at, _LABELS.execution_id)
        .limit(_RARE)
        .correlate(label)
        .subquery("same")
    )
    often = select(func.count()).select_from(same).scalar_subquery()
    one = literal_column("1", Integer())
    return select(label.c.key, label.c.value).order_by(often, label.c.key).limit(one).subquery("walked")


def _document(row: DictRow) -> ExecutionDocument:
    return ExecutionDocument(
        execution_id=row["id"],
        automation_rule_id=row["automation_rule_id"],
        status=ExecutionStatus(row["status"]),
        json=row["document"].encode(),
    )
