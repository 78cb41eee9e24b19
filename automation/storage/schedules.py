"""Reads which recurring rules of any tenant are due, and makes their runs: each time once, whoever looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from automation.domain.firing import Firing, FirstFiring
from automation.domain.limits import DEFAULTS, Limits
from automation.domain.origin import Origin
from automation.domain.rules import RuleContent, RuleStatus, RuleVersion
from automation.storage import rule_content
from automation.storage.label_making import NOT_MADE, MakeLabels, made_for, no_labels
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded, encoded
from automation.storage.pool.patience import PATIENCE
from automation.storage.pool.transaction import Transaction
from automation.storage.quotas import created_under
from automation.storage.trigger_data import stored

HELD = "locked"
"""The outcome of a time that has to wait until its tenant's own requests are done."""

_KEPT_IN = frozenset({RuleStatus.ACTIVE, RuleStatus.PAUSED})

# Rules that are due, or will be within some seconds, of any tenant, by the database's clock.
_DUE = b"""
SELECT tenant, rule_id, scheduled_at, seconds_left, looked_at
FROM find_due_schedules_v1(p_limit => %(limit)s, p_ahead => %(ahead)s)
"""
# What a rule says.
_READ = b"SELECT version, content FROM get_rule_v1(p_tenant => %(tenant)s, p_rule => %(rule)s)"
# Makes the run of a time that is due, or none, and has the rule be due at the next one.
_FIRE = b"""
SELECT outcome, wanted FROM fire_schedule_v1(
    p_tenant => %(tenant)s, p_rule => %(rule)s, p_version => %(version)s, p_scheduled_at => %(scheduled_at)s,
    p_next => %(next)s, p_fire_at => %(fire_at)s, p_execution => %(execution)s,
    p_trigger_data => %(trigger_data)s::json, p_triggered_by => %(triggered_by)s::json,
    p_max_pending => %(max_pending)s::bigint,
    p_executions_per_day => %(executions_per_day)s::bigint, p_stored_bytes => %(max_stored_bytes)s::bigint,
    p_made => %(made)s::jsonb, p_made_of => %(made_of)s::integer, p_told => %(told)s::jsonb,
    p_patience => %(patience)s)
"""
# A rule is due at another time from now on, or at none.
_PUT = b"""
INSERT INTO automation_schedules (tenant, rule_id, scheduled_at, fire_at)
VALUES (%(tenant)s, %(rule)s, %(scheduled_at)s, %(fire_at)s)
ON CONFLICT (tenant, rule_id) DO UPDATE SET scheduled_at = excluded.scheduled_at, fire_at = excluded.fire_at
"""
_REMOVE = b"DELETE FROM automation_schedules WHERE tenant = %(tenant)s AND rule_id = %(rule)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSchedule:
    """A rule that is due, or will be in ``seconds_left``; ``looked_at`` is the database's time. In UTC."""

    tenant: UUID
    rule_id: UUID
    scheduled_at: datetime
    seconds_left: float
    looked_at: datetime


class Schedules:
    """When rules of all tenants are due; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS) -> None:
        self._database = database
        self._limits = created_under(limits)

    async def due(self, limit: int, *, ahead: float) -> list[DueSchedule]:
        """Return the rules that are due, or will be within ``ahead`` seconds, first those that are due first."""
        rows = await self._database.fetch_rows(_DUE, {"limit": limit, "ahead": ahead}, rows=dict_row)
        return [
            DueSchedule(
                tenant=row["tenant"],
                rule_id=row["rule_id"],
                scheduled_at=row["scheduled_at"].astimezone(UTC),
                seconds_left=row["seconds_left"],
                looked_at=row["looked_at"].astimezone(UTC),
            )
            for row in rows
        ]

    async def read(self, due: DueSchedule) -> RuleVersion | None:
        """Return what a rule says that is due; None where there is none any more."""
        row = await self._database.fetch_one(_READ, {"tenant": due.tenant, "rule": due.rule_id}, dict_row)
        if row is None:
            return None
        content = rule_content.from_columns(decoded(row["content"]))
        return RuleVersion(tenant=due.tenant, rule_id=due.rule_id, version=row["version"], content=content)

    async def fire(
        self,
        due: DueSchedule,
        version: int,
        *,
        following: Firing | None,
        trigger: Mapping[str, Any] | None,
        origin: Origin,
        make_labels: MakeLabels = no_labels,
    ) -> str | None:
        """Make the run of a time that is due, and have the rule be due at the following one, all of it or nothing.

        Args:
            due: The time.
            version: The rule's version by which that was decided.
            following: The next time; None where there is none.
            trigger: What the run is triggered with; None where there is to be none.
            origin: Who or what asks for it.
            make_labels: Makes the rule's labels where something is put into them.

        Returns:
            ``created``, ``already_pending`` where another run takes its place, ``passed`` where no run was wanted, or
            the limit or refusal because of which there is none; ``HELD`` where its tenant holds for long what is
            needed; None where somebody else was faster, or the rule is another one by now.
        """
        asked: dict[str, object] = {
            "tenant": due.tenant,
            "rule": due.rule_id,
            "version": version,
            "scheduled_at": due.scheduled_at,
            "next": None if following is None else following.scheduled_at,
            "fire_at": None if following is None else following.fire_at,
            "patience": PATIENCE,
            "execution": None if trigger is None else uuid4(),
            "trigger_data": stored(trigger),
            "triggered_by": encoded(origin.triggered_by),
            **NOT_MADE,
            **self._limits,
        }
        row = await self._database.fetch_one(_FIRE, asked, dict_row, repeatable=False)
        if row is not None and row["outcome"] == "labels_wanted":
            made = await made_for(due.tenant, due.rule_id, row["wanted"], make_labels)
            row = await self._database.fetch_one(_FIRE, asked | made, dict_row, repeatable=False)
        return None if row is None else row["outcome"]


async def keep_schedule(
    transaction: Transaction,
    named: Mapping[str, object],
    content: RuleContent | None,
    before: RuleContent | None,
    first: FirstFiring,
) -> None:
    """See to it that a rule is due when its schedule says, from now on; one whose schedule stays goes on with it.

    Args:
        transaction: The one that writes the rule, and has locked it.
        named: The ``tenant`` and the ``rule``.
        content: What the rule says from now on; None for one that is deleted.
        before: What it said; None for a new one.
        first: Says when it is due.
    """
    if before is not None and content is not None and _schedule_of(before) == _schedule_of(content):
        return
    firing = None if content is None or _schedule_of(content) is None else first(content)
    if firing is not None:
        times = {"scheduled_at": firing.scheduled_at, "fire_at": firing.fire_at}
        await transaction.execute(_PUT, {**named, **times})
    elif before is not None and _schedule_of(before) is not None:
        await transaction.execute(_REMOVE, named)


def _schedule_of(content: RuleContent) -> object:
    """Return what decides when a rule is due; None where it is never."""
    return (content.trigger_type, content.trigger_config) if content.status in _KEPT_IN else None
