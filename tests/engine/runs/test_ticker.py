"""Rounds of the ticker: who is fired in one and as what, when the next one begins, and what one rule's fault stops."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from automation.domain.errors import InvalidInput, Unavailable
from automation.domain.firing import Firing
from automation.domain.labels import MadeLabels
from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import RuleAction, RuleContent, RuleStatus, RuleVersion, TriggerType
from automation.engine.runs import ticker
from automation.engine.runs.ticker import INTERVAL, LIMIT, first_firing, tick
from automation.engine.triggers.input_schemas import OwnInputSchemas
from automation.storage.label_making import MakeLabels
from automation.storage.schedules import HELD, DueSchedule, Schedules
from tests.turns import TurnLoop

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY: dict[str, Any] = {"cron": "0 * * * *"}
A, B = uuid4(), uuid4()


@dataclass
class Fired:
    """What a rule was fired with."""

    rule: UUID
    following: Firing | None
    trigger: Any
    origin: Origin
    labels: MadeLabels | None


@dataclass
class Due:
    """Says in each round who is due, as the test says, and notes who is fired; answers at once, as no database does.

    Args:
        rounds: Who is due, one round after the other, or how it fails; then nobody is.
        outcomes: What becomes of those that are fired, by rule, one after the other; then a run is made.
        rules: What rules say; None where there is none any more.
    """

    rounds: list[list[DueSchedule] | Exception] = field(default_factory=list)
    outcomes: dict[UUID, list[str | Exception | None]] = field(default_factory=lambda: defaultdict(list))
    rules: dict[UUID, RuleContent | Exception | None] = field(default_factory=dict)
    asked: list[tuple[int, float]] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)

    async def due(self, limit: int, *, ahead: float) -> list[DueSchedule]:
        self.asked.append((limit, ahead))
        found = self.rounds.pop(0) if self.rounds else []
        if isinstance(found, Exception):
            raise found
        return found

    async def read(self, due: DueSchedule) -> RuleVersion | None:
        content = self.rules.get(due.rule_id, a_content())
        if isinstance(content, Exception):
            raise content
        if content is None:
            return None
        return RuleVersion(tenant=due.tenant, rule_id=due.rule_id, version=7, content=content)

    async def fire(
        self,
        due: DueSchedule,
        version: int,
        *,
        following: Firing | None,
        trigger: Any,
        origin: Origin,
        make_labels: MakeLabels | None = None,
    ) -> str | None:
        assert version == 7
        rule = await self.read(due)
        assert rule is not None
        made = None if make_labels is None else await make_labels(rule)
        self.fired.append(Fired(due.rule_id, following, trigger, origin, made))
        left = self.outcomes[due.rule_id]
        outcome = left.pop(0) if left else "created"
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @property
    def rules_fired(self) -> list[UUID]:
        return [each.rule for each in self.fired]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[TurnLoop]:
    monkeypatch.setattr(random, "shuffle", lambda _found: None)
    made = TurnLoop()
    yield made
    made.discard()


def a_content(config: dict[str, Any] | None = None, **fields: Any) -> RuleContent:
    values: dict[str, Any] = {"name": "Rule", "status": RuleStatus.ACTIVE, "trigger_type": TriggerType.RECURRING}
    values |= {"trigger_config": HOURLY if config is None else config, "actions": (RuleAction(type="said", config={}),)}
    return RuleContent(**values | fields)


def due(tenant: UUID = A, seconds_left: float = 0.0) -> DueSchedule:
    """Return a rule that is due at noon."""
    return DueSchedule(
        tenant=tenant,
        rule_id=uuid4(),
        scheduled_at=NOON,
        seconds_left=seconds_left,
        looked_at=NOON + timedelta(seconds=1),
    )


def ticking(loop: TurnLoop, schedules: Due, turns: int = 8) -> None:
    loop.begin(tick(cast("Schedules", schedules)))
    loop.turn(turns)


def rules(found: Sequence[DueSchedule]) -> list[UUID]:
    return [each.rule_id for each in found]


@pytest.mark.parametrize("end", [0.0, 1.0], ids=["exactly", "with all its jitter"])
def test_a_rule_that_is_due_is_fired_as_its_schedule_says(
    loop: TurnLoop, monkeypatch: pytest.MonkeyPatch, end: float
) -> None:
    monkeypatch.setattr(random, "random", lambda: end)
    wanted, labels = due(), {"at": "${trigger.scheduled_at}"}
    schedules = Due([[wanted]], rules={wanted.rule_id: a_content(HOURLY | {"jitter_seconds": 90}, labels=labels)})

    ticking(loop, schedules)

    [fired] = schedules.fired
    assert fired.trigger == {"scheduled_at": "2026-03-01T12:00:00.000000Z", "fired_at": "2026-03-01T12:00:01.000000Z"}
    assert fired.following == Firing(NOON + HOUR, NOON + HOUR + timedelta(seconds=90 * end))
    assert fired.origin == Origin(kind=TriggerKind.SCHEDULE, scheduled_at=NOON)
    assert fired.labels is not None
    assert fired.labels.labels == {"at": "2026-03-01T12:00:00.000000Z"}


def test_one_that_was_missed_and_shall_not_be_made_up_for_has_no_run_but_a_next_time(loop: TurnLoop) -> None:
    wanted = replace(due(), looked_at=NOON + 1.5 * HOUR)
    schedules = Due([[wanted]], rules={wanted.rule_id: a_content(HOURLY | {"catch_up": "none"})})

    ticking(loop, schedules)

    assert [(each.trigger, each.following) for each in schedules.fired] == [
        (None, Firing(NOON + 2 * HOUR, NOON + 2 * HOUR))
    ]


@pytest.mark.parametrize("later", ["created", HELD])
def test_what_its_own_schema_refuses_has_no_run_but_a_next_time(loop: TurnLoop, later: str) -> None:
    wanted, schema = due(), {"required": ["order"]}
    schedules = Due([[wanted]], rules={wanted.rule_id: a_content(input_schema=schema)})
    schedules.outcomes[wanted.rule_id] = [later]

    with capture_logs() as told:
        loop.run_until_complete(_first_round(schedules))

    assert [(each.trigger, each.following) for each in schedules.fired] == [(None, Firing(NOON + HOUR, NOON + HOUR))]
    assert [line["reason"] for line in told] == ([] if later == HELD else [InvalidInput.code])


async def _first_round(schedules: Due) -> None:
    """Fire who is due once: what a schema takes is looked at in a thread, for which turns are not counted."""
    await ticker._round(cast("Schedules", schedules), OwnInputSchemas())


def test_settings_that_cannot_be_read_are_told_and_come_no_more(loop: TurnLoop) -> None:
    wanted = due()
    schedules = Due([[wanted]], rules={wanted.rule_id: a_content({"cron": "none"})})

    with capture_logs() as told:
        ticking(loop, schedules)

    assert [(each.trigger, each.following) for each in schedules.fired] == [(None, None)]
    assert [line["event"] for line in told] == ["schedule cannot be read"]


@pytest.mark.parametrize("content", [None, a_content(trigger_type=TriggerType.MANUAL)], ids=["gone", "another type"])
def test_one_that_is_no_rule_of_the_clock_any_more_is_left_alone(loop: TurnLoop, content: RuleContent | None) -> None:
    wanted, other = due(), due()
    schedules = Due([[wanted, other]], rules={wanted.rule_id: content})

    with capture_logs() as told:
        ticking(loop, schedules)

    assert schedules.rules_fired == [other.rule_id]
    assert told == []


@pytest.mark.parametrize("outcome", ["created", "passed", "already_pending", HELD, None])
def test_what_is_as_it_may_be_is_not_told(loop: TurnLoop, outcome: str | None) -> None:
    wanted = due()
    schedules = Due([[wanted]])
    schedules.outcomes[wanted.rule_id] = [outcome]

    with capture_logs() as told:
        ticking(loop, schedules)

    assert told == []


def test_that_a_limit_kept_a_run_from_being_made_is_told(loop: TurnLoop) -> None:
    wanted = due()
    schedules = Due([[wanted]])
    schedules.outcomes[wanted.rule_id] = ["max_pending"]

    with capture_logs() as told:
        ticking(loop, schedules)

    assert [(line["event"], line["reason"]) for line in told] == [("schedule made no run", "max_pending")]


def test_each_that_is_due_by_now_is_fired_and_none_that_is_due_later(loop: TurnLoop) -> None:
    found = [due(), due(seconds_left=0.25), due(seconds_left=-0.25), due(seconds_left=0.5), due(B)]

    schedules = Due([found])
    ticking(loop, schedules)

    assert schedules.rules_fired == rules([found[0], found[2], found[4]])


def test_chance_says_who_is_fired_first(loop: TurnLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "shuffle", list.reverse)
    found = [due(), due(B), due()]

    schedules = Due([[*found]])
    ticking(loop, schedules)

    assert schedules.rules_fired == rules(found[::-1])


def test_a_tenant_that_holds_what_is_needed_waits_for_the_next_round_and_no_other_does(loop: TurnLoop) -> None:
    found = [due(A), due(A), due(B), due(A)]
    schedules = Due([found])
    schedules.outcomes[found[0].rule_id] = [HELD]

    ticking(loop, schedules)

    assert schedules.rules_fired == rules([found[0], found[2]])


@pytest.mark.parametrize("how", ["read", "fire"])
def test_a_fault_of_one_rule_is_told_and_stops_no_other(loop: TurnLoop, how: str) -> None:
    found = [due(), due()]
    schedules = Due([found])
    if how == "read":
        schedules.rules[found[0].rule_id] = ValueError("a fault")
    else:
        schedules.outcomes[found[0].rule_id] = [ValueError("a fault")]

    with capture_logs() as told:
        ticking(loop, schedules)

    assert found[1].rule_id in schedules.rules_fired
    assert [line["event"] for line in told] == ["schedule cannot be fired"]


def test_an_outage_ends_the_round(loop: TurnLoop) -> None:
    found = [due(), due()]
    schedules = Due([found])
    schedules.outcomes[found[0].rule_id] = [Unavailable()]

    with capture_logs() as told:
        ticking(loop, schedules)

    assert schedules.rules_fired == rules(found[:1])
    assert [line["event"] for line in told] == ["schedules are not looked at"]


@pytest.mark.parametrize("outcome", ["created", "passed", "max_pending"])
def test_after_one_that_was_fired_it_is_looked_again_at_once(loop: TurnLoop, outcome: str) -> None:
    wanted = due()
    schedules = Due([[wanted, due(seconds_left=0.25)]])
    schedules.outcomes[wanted.rule_id] = [outcome]

    ticking(loop, schedules, turns=3)

    assert len(schedules.asked) == 2


@pytest.mark.parametrize(
    ("found", "pause"),
    [
        ([], INTERVAL),
        ([0.25], 0.25),
        ([0.375, 0.25], 0.25),
        ([0.75], INTERVAL),
        ([1 / 4096], 0.001),
    ],
)
def test_where_none_was_fired_it_rests_until_the_next_is_due_or_somebody_may_be_new(
    loop: TurnLoop, found: list[float], pause: float
) -> None:
    schedules = Due([[due(seconds_left=seconds) for seconds in found]])
    ticking(loop, schedules)
    loop.now += pause * 15 / 16
    loop.turn(4)
    early = len(schedules.asked)
    loop.now += pause / 16
    loop.turn(4)

    assert (early, schedules.asked) == (1, [(LIMIT, INTERVAL)] * 2)


@pytest.mark.parametrize("outcome", [HELD, None])
def test_where_others_hold_it_or_were_faster_it_rests(loop: TurnLoop, outcome: str | None) -> None:
    wanted = due()
    schedules = Due([[wanted]])
    schedules.outcomes[wanted.rule_id] = [outcome]

    ticking(loop, schedules)
    loop.now += INTERVAL * 15 / 16
    loop.turn(4)

    assert len(schedules.asked) == 1


def test_an_outage_is_told_once_however_long_it_is(loop: TurnLoop) -> None:
    schedules = Due([Unavailable(), Unavailable(), [], Unavailable(), Unavailable()])

    with capture_logs() as told:
        ticking(loop, schedules)
        for _ in range(4):
            loop.now += INTERVAL
            loop.turn(4)

    assert len(schedules.asked) == 5
    assert [line["event"] for line in told] == ["schedules are not looked at"] * 2


def test_a_rule_of_the_clock_is_due_first_at_its_next_time_and_no_other_ever_is() -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + HOUR

    firing = first_firing(a_content())

    assert firing in (Firing(hour, hour), Firing(hour + HOUR, hour + HOUR))
    assert first_firing(a_content(trigger_type=TriggerType.MANUAL)) is None
    assert first_firing(a_content(HOURLY | {"ends_at": "2001-01-01T00:00:00Z"})) is None
