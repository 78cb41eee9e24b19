"""Reads the audit log page by page, and writes down what was refused."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import DictRow
from sqlalchemy import Text, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from automation.domain.audit import AuditActor, AuditEvent, AuditFilter, AuditOutcome, AuditResource, Refusal
from automation.domain.pages import Page, PageRequest, given
from automation.storage.audit_table import audit_events
from automation.storage.page_reading import read_page
from automation.storage.pool.database import Database
from automation.storage.walks import (
    Condition,
    Kind,
    Order,
    Statements,
    Walk,
    bounds,
    single_walk,
    statements,
    written_by,
)

_EVENTS = audit_events.c
_TIME = TIMESTAMP(timezone=True)
_BESIDE = tuple(each.name for each in fields(AuditEvent) if each.name not in {"event_id", "created_at"})

# Lines of what was refused, of any tenants.
_RECORD = b"""
SELECT record_audit_event_v1(
    p_tenant => r.tenant, p_action => r.action, p_outcome => %(outcome)s, p_code => r.code, p_user => r."user",
    p_key_prefix => r.key_prefix, p_resource_type => r.resource_type, p_resource_id => r.resource_id,
    p_client_address => r.client_address, p_request_id => r.request_id, p_details => NULL,
    p_seconds_ago => r.seconds_ago)
FROM json_to_recordset(%(refusals)s::json) AS r(
    tenant uuid, action text, code text, "user" uuid, key_prefix text, resource_type text, resource_id text,
    client_address text, request_id text, seconds_ago double precision)
"""

# What is looked at on the way; the times bound what is walked.
_CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        "action": lambda events: events.action == any_(bindparam("action", type_=ARRAY(Text()))),
        "outcome": lambda events: events.outcome == bindparam("outcome", type_=Text()),
        "actor": lambda events: events.actor == bindparam("actor", type_=Text()),
        "user_id": lambda events: events.user_id == bindparam("user_id", type_=Uuid()),
        "resource_type": lambda events: events.resource_type == bindparam("resource_type", type_=Text()),
        "resource_id": lambda events: events.resource_id == bindparam("resource_id", type_=Text()),
    }
)


class AuditLog:
    """The audit logs of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: UUID, wanted: AuditFilter, request: PageRequest) -> Page[AuditEvent]:
        """Return a page of a tenant's events.

        Raises:
            Unavailable: where no database answers.
        """
        return await read_page(self._database, request, *statements_of(tenant, wanted, request), _event)

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Write down what was refused, of any tenants, in one round trip.

        Raises:
            Unavailable: where no database answers.
        """
        now = time.monotonic()
        lines = [
            {name: getattr(each.deed, name) for name in _OF_A_DEED} | {"code": each.code, "seconds_ago": now - each.at}
            for each in refusals
        ]
        named = {"outcome": AuditOutcome.REFUSED.value, "refusals": orjson.dumps(lines).decode()}
        await self._database.fetch_rows(_RECORD, named, repeatable=False)


_OF_A_DEED = ("tenant", "action", "user", "key_prefix", "resource_type", "resource_id", "client_address", "request_id")


def statements_of(tenant: UUID, wanted: AuditFilter, request: PageRequest) -> tuple[Statements, Mapping[str, Any]]:
    """Return the statements of a page, and the values that they take."""
    filters = given(wanted)
    made = _statements(Kind(frozenset(filters), Order.of(request)))
    values = filters | {"action": list(wanted.action), "tenant": tenant}
    return made, {**values, **bounds(request, 1)}


@lru_cache(maxsize=256)
def _statements(kind: Kind) -> Statements:
    columns = [written_by(audit_events), *(_EVENTS[name] for name in _BESIDE)]
    rows = select(_EVENTS.created_at, _EVENTS.event_id.label("id"), *columns)
    rows = rows.where(_EVENTS.tenant == bindparam("tenant", type_=Uuid()))
    if "created_from" in kind.filters:
        rows = rows.where(_EVENTS.created_at >= bindparam("created_from", type_=_TIME))
    if "created_to" in kind.filters:
        rows = rows.where(_EVENTS.created_at < bindparam("created_to", type_=_TIME))
    conditions = [condition for name, condition in _CONDITIONS.items() if name in kind.filters]
    walk = Walk(single_walk(), rows, (_EVENTS.created_at, _EVENTS.event_id), conditions)
    return statements(walk, kind.order, lambda page: [page[name] for name in _BESIDE])


def _event(row: DictRow) -> AuditEvent:
    values = {name: row[name] for name in _BESIDE}
    return AuditEvent(
        **values
        | {
            "event_id": row["id"],
            "created_at": row["created_at"].astimezone(UTC),
            "actor": AuditActor(row["actor"]),
            "outcome": AuditOutcome(row["outcome"]),
            "resource_type": AuditResource(row["resource_type"]),
        }
    )
