"""Publishes events: finds the rules that wait for each, and creates all their executions in one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from automation.domain.errors import TooManyMatches, TooManyPending
from automation.domain.events import MOST_TOLD, Event, Receipt
from automation.domain.limits import DEFAULTS, Limits
from automation.domain.origin import Origin
from automation.storage import quotas
from automation.storage.label_making import NOT_MADE, UNDECIDED
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded, encoded, uuid_array
from automation.storage.trigger_data import stored
from automation.storage.turns import MOST_TURNS, changed_each_time
from automation.storage.waiting_rules import WaitingRules, Work

# Which of the events were seen before; the others are remembered from now on.
_BEGIN = b"""
SELECT digest, receipt
FROM begin_events_v1(
    p_tenant => %(tenant)s, p_digests => %(digests)s::bytea[], p_rules => %(rules)s::uuid[], p_made => %(made)s::text[],
    p_max_pending => %(max_pending)s::bigint, p_executions_per_day => %(executions_per_day)s::bigint)
"""
# Some of what they start is created.
_PUBLISH = b"""
SELECT outcome, rule, place, execution
FROM publish_events_v1(
    p_tenant => %(tenant)s, p_user => %(user)s, p_events => %(events)s::integer[], p_triggers => %(triggers)s::text[],
    p_places => %(places)s::integer[], p_rules => %(rules)s::uuid[], p_executions => %(executions)s::uuid[],
    p_made => %(made)s::text[], p_made_of => %(made_of)s::integer[], p_told => %(told)s::text[],
    p_request_id => %(request_id)s, p_triggered_by => %(triggered_by)s::json,
    p_max_pending => %(max_pending)s::bigint, p_executions_per_day => %(executions_per_day)s::bigint,
    p_stored_bytes => %(max_stored_bytes)s::bigint)
"""
# What became of each is kept.
_KEEP = b"""
UPDATE automation_events seen SET receipt = kept.receipt::json
FROM unnest(%(digests)s::bytea[], %(receipts)s::text[]) kept(digest, receipt)
WHERE seen.tenant = %(tenant)s AND seen.digest = kept.digest
"""
_AT_ONCE = 50
"""How many executions one statement creates: however busy the database is, it is done in the time that one may take."""


class _Changed(Exception):
    """A rule was changed after it was found: it is to be looked at anew."""


@dataclass(frozen=True, slots=True)
class _Start:
    """A rule that an event starts; ``place`` counts the events from 1."""

    place: int
    rule_id: UUID
    labels: Mapping[str, object]


class Events:
    """The events of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS) -> None:
        self._database = database
        self._limits = quotas.created_under(limits)

    async def publish(
        self,
        tenant: UUID,
        user: UUID,
        events: Sequence[Event],
        *,
        origin: Origin,
        work: Work,
    ) -> list[Receipt]:
        """Create an execution of each rule that waits for an event, all of them or none, and say which.

        An event that was seen within 24 hours starts nothing, and has the receipt that it had.

        Args:
            tenant: Whose events they are.
            user: Who publishes them.
            events: The events.
            origin: Who or what publishes them.
            work: Looks at rules that wait for an event's type and source, and makes labels of theirs.

        Raises:
            TooManyMatches: where more executions would be created than one request may create, or more looked at, or
                more told of.
            TooManyPending: where the tenant has as many pending executions as it may have.
            TooManyExecutions: where it has asked for as many in this day as it may.
            QuotaExceeded: where it has stored as much as it may.
            InvalidInput: where a rule that an event would start takes no such ``trigger_data``.
            Unavailable: where rules were changed each time after they were found.
        """
        asked = {
            "tenant": tenant,
            "user": user,
            "request_id": origin.request_id,
            "triggered_by": encoded(origin.triggered_by),
            **self._limits,
        }
        if not events:
            return []
        for _ in range(MOST_TURNS):
            starts = await self._starts(tenant, events, work)
            with suppress(_Changed):
                async with work.storing():
                    receipts = await self._published(tenant, events, starts, asked)
                return [Receipt(event=event, started=receipts[event.digest]) for event in events]
        raise changed_each_time()

    async def _starts(self, tenant: UUID, events: Sequence[Event], work: Work) -> list[_Start]:
        async with work:
            waiting = WaitingRules(self._database, tenant)
            return [_Start(place, rule_id, labels) for place, rule_id, labels in await waiting.started_by(events, work)]

    async def _published(
        self, tenant: UUID, events: Sequence[Event], starts: Sequence[_Start], asked: Mapping[str, object]
    ) -> Mapping[bytes, Mapping[UUID, UUID]]:
        async with self._database.transaction(tenant) as transaction:
            started: dict[bytes, dict[UUID, UUID]] = {event.digest: {} for event in events}
            begun = {**asked, "digests": [*started], **_columns(starts)}
            seen = await transaction.fetch_all(_BEGIN, begun, dict_row)
            before = {row["digest"]: _receipt(row["receipt"]) for row in seen}
            _require_told(events, starts, before)
            new = sorted((start for start in starts if events[start.place - 1].digest not in before), key=_in_order)
            for first in range(0, len(new), _AT_ONCE):
                some = new[first : first + _AT_ONCE]
                rows = await transaction.fetch_all(
                    _PUBLISH, {**asked, **_columns(some), **_data(events, some)}, dict_row
                )
                for row in rows:
                    _require_published(row["outcome"])
                    started[events[row["place"] - 1].digest][row["rule"]] = row["execution"]
            kept = {digest: encoded(receipt) for digest, receipt in started.items() if digest not in before}
            await transaction.execute(_KEEP, {"tenant": tenant, "digests": [*kept], "receipts": [*kept.values()]})
        return {**started, **before}


def _in_order(start: _Start) -> tuple[UUID, int]:
    """Return the order in which rules are locked everywhere, and of a rule's starts the events' order."""
    return start.rule_id, start.place


def _columns(starts: Sequence[_Start]) -> dict[str, object]:
    return {
        "places": [start.place for start in starts],
        "rules": uuid_array([start.rule_id for start in starts]),
        "executions": uuid_array([uuid4() for _ in starts]),
        **{name: [start.labels[name] for start in starts] for name in NOT_MADE},
    }


def _data(events: Sequence[Event], starts: Sequence[_Start]) -> dict[str, object]:
    """Return what the events of some starts are about; each goes along once."""
    places = sorted({start.place for start in starts})
    return {"events": places, "triggers": [stored(events[place - 1].trigger) for place in places]}


def _require_told(events: Sequence[Event], starts: Sequence[_Start], before: Mapping[bytes, Collection[UUID]]) -> None:
    """Return if an answer may name all that the events start, or have started when they were seen."""
    begun = Counter(events[start.place - 1].digest for start in starts)
    told = sum(len(before[digest]) if (digest := event.digest) in before else begun[digest] for event in events)
    if told > MOST_TOLD:
        raise TooManyMatches(f"The answer would name more than {MOST_TOLD:,} executions, of events that were seen.")


def _require_published(outcome: str) -> None:
    if outcome in UNDECIDED:
        raise _Changed
    if outcome == "too_many_pending":
        raise TooManyPending
    quotas.require_none_reached(outcome)


def _receipt(document: str) -> dict[UUID, UUID]:
    return {UUID(rule): UUID(execution) for rule, execution in decoded(document).items()}
