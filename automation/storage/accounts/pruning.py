"""Retention as operators manage it: how long what is kept of whom, and removing what is over without waiting for it."""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, text

from automation.domain.audit import AuditResource
from automation.domain.retention import Kept, Retention
from automation.storage.account_tables import tenant_retention
from automation.storage.accounts.accounts import Reference
from automation.storage.accounts.administration import Administration
from automation.storage.accounts.refusals import Busy
from automation.storage.audit_table import audit_events
from automation.storage.retention import LIMIT, MOST_ROWS, Batch, Place, retention_of
from automation.storage.tables import automation_executions

_TURN_SECONDS = 0.05
"""Tuned: seconds until it is looked again whether it is the turn of this one."""
_LONGEST_WAIT_SECONDS = 30.0
"""For how long workers may be at it before it is given up: each takes a batch at a time, of less than a second."""

# The same batches that workers remove.
_PRUNE_EXECUTIONS = text(
    "SELECT removed, at, id FROM prune_executions_v1(p_tenant => :tenant, p_status => :status, p_days => :days,"
    " p_after_at => :at, p_after_id => :id, p_limit => :limit, p_rows => :rows)"
)
_PRUNE_AUDIT_EVENTS = text(
    "SELECT removed FROM prune_audit_events_v1(p_tenant => :tenant, p_days => :days, p_limit => :limit)"
)


class Pruning(Administration):
    """Commands about what is kept, each of one tenant."""

    def retention(self, tenant: Reference) -> Retention:
        """Return the retention that a tenant has of its own."""
        with self._tenant_transaction(tenant) as (connection, owned_by):
            return _own(connection, owned_by)

    def set_retention(
        self, tenant: Reference, values: Mapping[Kept, int | None], default: Collection[Kept] = ()
    ) -> Retention:
        """Give a tenant days of its own, None for ever, or take them away (``default``); return what it has then."""
        with self._change(tenant, "setTenantRetention", AuditResource.TENANT) as (connection, owned_by, command):
            command.details.update({str(kept): days for kept, days in values.items()})
            command.details.update({str(kept): "default" for kept in default})
            for kept in (*values, *default):
                connection.execute(delete(tenant_retention).filter_by(tenant=owned_by, name=str(kept)))
            for kept, days in values.items():
                connection.execute(insert(tenant_retention).values(tenant=owned_by, name=str(kept), days=days))
            return _own(connection, owned_by)

    def count_over(self, tenant: Reference, kept: Kept, days: int) -> int:
        """Return how many a tenant has kept for more than so many days."""
        over = func.now() - func.make_interval(0, 0, 0, days)
        with self._tenant_transaction(tenant) as (connection, owned_by):
            if kept.status is None:
                events = audit_events.c
                condition = (events.tenant == owned_by) & (events.created_at < over)
                return connection.execute(select(func.count()).select_from(audit_events).where(condition)).scalar_one()
            runs = automation_executions.c
            condition = (runs.tenant == owned_by) & (runs.status == kept.status.value) & (runs.created_at < over)
            ended = func.coalesce(runs.completed_at, runs.created_at) < over
            counted = select(func.count()).select_from(automation_executions).where(condition, ended)
            return connection.execute(counted).scalar_one()

    def prune(self, tenant: Reference, periods: Mapping[Kept, int]) -> Mapping[Kept, int]:
        """Remove what a tenant has kept for more than so many days, in batches, and return how many there were.

        Raises:
            Busy: Somebody else is at it, and has been for half a minute.
        """
        owned_by = self.find_tenant(tenant).tenant
        removed = Counter({kept: self._prune(owned_by, kept, days) for kept, days in periods.items()})
        if any(removed.values()):
            with self._change(owned_by, "pruneExecutions", AuditResource.TENANT) as (_, _, command):
                command.details.update({str(kept): count for kept, count in removed.items() if count})
        return removed

    def _prune(self, tenant: UUID, kept: Kept, days: int) -> int:
        removed, place = 0, Place()
        while True:
            batch = self._own_batch(tenant, kept, days, place)
            removed += batch.removed
            if batch.further is None:
                return removed
            place = batch.further

    def _own_batch(self, tenant: UUID, kept: Kept, days: int, place: Place) -> Batch:
        """Remove a batch once no worker is at it, which takes a moment."""
        given_up = time.monotonic() + _LONGEST_WAIT_SECONDS
        while (batch := self._batch(tenant, kept, days, place)) is None:
            if time.monotonic() > given_up:
                raise Busy(
                    "Another process removes executions and has not come to an end of its batch for half a minute: "
                    "look for a worker that is stopped, or try again later. What was removed until now is gone."
                )
            time.sleep(_TURN_SECONDS)
        return batch

    def _batch(self, tenant: UUID, kept: Kept, days: int, place: Place) -> Batch | None:
        named = {"tenant": tenant, "days": days, "limit": LIMIT}
        if kept.status is not None:
            named |= {"status": kept.status.value, "at": place.at, "id": place.id, "rows": MOST_ROWS}
        statement = _PRUNE_AUDIT_EVENTS if kept.status is None else _PRUNE_EXECUTIONS
        with self._transaction() as connection:
            row = connection.execute(statement, named).one_or_none()
        if row is None:
            return None
        if kept.status is None:
            return Batch(row.removed, place if row.removed == LIMIT else None)
        return Batch(row.removed, None if row.id is None else Place(row.at, row.id))


def _own(connection: Connection, tenant: UUID) -> Retention:
    found = connection.execute(select(tenant_retention.c.name, tenant_retention.c.days).filter_by(tenant=tenant))
    return retention_of({row.name: row.days for row in found})
