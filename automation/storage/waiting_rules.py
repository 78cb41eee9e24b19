"""Rules that wait for events: which of them the events of one request start, bounded before anything is read whole.

How many pairs of an event and a rule there are is up to the tenant. So ids alone are read of them, never more than one
request may have, and then of the rules what has to be looked at, some at a time and each once for all events.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol
from uuid import UUID

from psycopg.rows import dict_row, tuple_row

from automation.domain.errors import TooManyMatches
from automation.domain.events import MOST_EXECUTIONS, MOST_PAIRS, Event, WaitingRule
from automation.domain.labels import MadeLabels
from automation.domain.rules import RuleVersion
from automation.storage.label_making import NOT_MADE, made_of, version_of
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded, encoded, uuid_array

# Neither statistics nor other rules change how it is done: each type is looked up with each source, in the index.
FIND = b"""
SELECT asked.place, waiting.rule_id, waiting.conditional, waiting.asks
FROM json_array_elements(%(events)s::json) WITH ORDINALITY AS asked(event, place)
CROSS JOIN LATERAL (
    WITH named AS MATERIALIZED (
        SELECT DISTINCT found.rule_id
        FROM json_array_elements_text(asked.event -> 'types') AS named(type)
        CROSS JOIN json_array_elements_text(asked.event -> 'sources') AS begun(source)
        CROSS JOIN LATERAL (
            SELECT s.rule_id FROM automation_event_subscriptions s
            WHERE s.tenant = %(tenant)s AND s.type = named.type AND s.source = begun.source
            OFFSET 0) found
        WHERE NOT EXISTS (
            SELECT FROM automation_events seen
            WHERE seen.tenant = %(tenant)s AND seen.digest = decode(asked.event ->> 'digest', 'hex')
                AND seen.expires_at > now())
    )
    SELECT named.rule_id, rule.conditional, rule.asks
    FROM named
    CROSS JOIN LATERAL (
        SELECT coalesce(json_array_length(r.trigger_config -> 'conditions'), 0) > 0 AS conditional,
            num_nonnulls(r.input_schema, r.concurrency_key, r.deduplication_key) > 0
                OR strpos(r.labels::text, '${') > 0 AS asks
        FROM automation_rules r
        WHERE r.tenant = %(tenant)s AND r.rule_id = named.rule_id AND r.status IN ('active', 'paused')
            AND r.deleted_at IS NULL
        OFFSET 0) rule
    LIMIT %(most)s) waiting
ORDER BY asked.place
"""
"""The rules in use that wait for each event that was not seen before: whether they have conditions, or make labels."""
_CONDITIONS = b"""
SELECT rule.rule_id, rule.conditions
FROM unnest(%(rules)s::uuid[]) WITH ORDINALITY AS named(rule_id, place)
CROSS JOIN LATERAL (
    SELECT r.rule_id, (r.trigger_config -> 'conditions')::text AS conditions
    FROM automation_rules r WHERE r.tenant = %(tenant)s AND r.rule_id = named.rule_id
    OFFSET 0) rule
ORDER BY named.place
"""
"""The conditions of some rules' triggers."""
_VERSIONS = b"""
SELECT named.rule_id, json_build_object('version', g.version, 'content', g.content::json)::text AS wanted
FROM unnest(%(rules)s::uuid[]) AS named(rule_id)
CROSS JOIN LATERAL get_rule_v1(p_tenant => %(tenant)s, p_rule => named.rule_id) g
"""
"""Some rules as they are, to make labels of."""
_AT_ONCE, _WHOLE_AT_ONCE = 50, 10
"""Of how many rules conditions, and all that they say, are read together."""

Found = tuple[int, UUID, bool, bool]
"""An event, by its place from 1, a rule that waits for it, whether that has conditions, and whether it makes labels."""
Started = tuple[int, UUID, Mapping[str, object]]
"""An event, by its place from 1, a rule that it starts, and what its execution's labels are."""


class Work(AbstractAsyncContextManager["Work"], Protocol):
    """Looks at events and rules for one request, within what that may take; its block is as long as one look."""

    async def admitted(self, pairs: Sequence[tuple[WaitingRule, Event]]) -> Sequence[bool]:
        """Return of each pair whether the event meets the rule's conditions; pairs of a rule come together."""

    async def labels(self, event: Event, rule: RuleVersion) -> MadeLabels:
        """Return the labels that a version of a rule gives an execution of an event."""

    def storing(self) -> AbstractAsyncContextManager[object]:
        """Wait until what was found may be stored; its block is as long as that takes."""


class WaitingRules:
    """The rules of a tenant that wait for events.

    Args:
        database: Where they are.
        tenant: Whose they are.
    """

    def __init__(self, database: Database, tenant: UUID) -> None:
        self._database = database
        self._tenant = tenant

    async def started_by(self, events: Sequence[Event], work: Work) -> list[Started]:
        """Return which rules the events start, each event once, with the labels of what they start.

        Raises:
            TooManyMatches: where those are more than one request may create, or more are to be looked at.
        """
        found = await self._found(events)
        conditional = [each for each in found if each[2]]
        if len(conditional) > MOST_PAIRS:
            raise TooManyMatches(
                f"The events, and the rules with conditions that wait for them, make more than {MOST_PAIRS:,} pairs of "
                "an event and a rule, as many as one request may have looked at."
            )
        admitted = [each for each in found if not each[2]]
        for some in _of_some_rules(conditional, _AT_ONCE):
            _require_few(admitted)
            admitted += await self._admitted(some, events, work)
        _require_few(admitted)
        started: list[Started] = [(place, rule, NOT_MADE) for place, rule, _, asks in admitted if not asks]
        for some in _of_some_rules((each for each in admitted if each[3]), _WHOLE_AT_ONCE):
            started += await self._labelled(some, events, work)
        return started

    async def _found(self, events: Sequence[Event]) -> list[Found]:
        """Return the rules that wait for each event, at the most one more than there may be.

        Most events have few: a share of the bound is read of each, together. Those that have more are read alone.
        """
        places = list({event.digest: place for place, event in reversed([*enumerate(events, 1)])}.values())
        most = MOST_PAIRS + MOST_EXECUTIONS
        share = most // max(1, len(places)) + 1
        rows = await self._of_each(events, places, share)
        if len(places) == 1:
            return rows
        many = [place for place, number in Counter(place for place, *_ in rows).items() if number >= share]
        found = [row for row in rows if row[0] not in many]
        for place in many:
            left = most - len(found)
            if left < 0:
                break
            found += await self._of_each(events, [place], left + 1)
        return found

    async def _of_each(self, events: Sequence[Event], places: Sequence[int], most: int) -> list[Found]:
        """Return the rules that wait for the events at some places, at the most so many of each."""
        query = (FIND, looked_for(self._tenant, [events[place - 1] for place in places], most))
        (rows,) = await self._database.read(self._tenant, query, rows=tuple_row)
        return [(places[number - 1], *row) for number, *row in rows]

    async def _admitted(self, some: Mapping[UUID, list[Found]], events: Sequence[Event], work: Work) -> list[Found]:
        """Return those that are admitted of pairs of rules with conditions; what has gone meanwhile is not."""
        looked_at: list[Found] = []
        pairs: list[tuple[WaitingRule, Event]] = []
        for row in await self._said(_CONDITIONS, some):
            conditions = () if row["conditions"] is None else decoded(row["conditions"])
            rule = WaitingRule(rule_id=row["rule_id"], conditions=conditions)
            looked_at += some[rule.rule_id]
            pairs += [(rule, events[each[0] - 1]) for each in some[rule.rule_id]]
        verdicts = await work.admitted(pairs)
        return [each for each, met in zip(looked_at, verdicts, strict=True) if met]

    async def _labelled(self, some: Mapping[UUID, list[Found]], events: Sequence[Event], work: Work) -> list[Started]:
        started: list[Started] = []
        for row in await self._said(_VERSIONS, some):
            version = version_of(self._tenant, row["rule_id"], row["wanted"])
            for place, rule, _, _ in some[row["rule_id"]]:
                make = partial(work.labels, events[place - 1])
                started.append((place, rule, await made_of(version, make)))
        return started

    async def _said(self, query: bytes, rules: Iterable[UUID]) -> list[dict[str, Any]]:
        parameters = {"tenant": self._tenant, "rules": uuid_array(list(rules))}
        (rows,) = await self._database.read(self._tenant, (query, parameters), rows=dict_row)
        return rows


def looked_for(tenant: UUID, events: Sequence[Event], most: int = MOST_PAIRS) -> dict[str, object]:
    """Return what the rules that wait for some events are found by, at the most so many of each."""
    asked = [{"types": each.types, "sources": each.sources, "digest": each.digest.hex()} for each in events]
    return {"tenant": tenant, "events": encoded(asked), "most": most}


def _of_some_rules(found: Iterable[Found], most: int) -> Iterator[dict[UUID, list[Found]]]:
    """Yield what was found by its rules, in their order, at the most so many rules at a time."""
    rules = [(rule, list(each)) for rule, each in groupby(sorted(found, key=itemgetter(1, 0)), key=itemgetter(1))]
    for first in range(0, len(rules), most):
        yield dict(rules[first : first + most])


def _require_few(admitted: Sequence[Any]) -> None:
    if len(admitted) > MOST_EXECUTIONS:
        raise TooManyMatches(f"The events would start more than {MOST_EXECUTIONS} executions.")
