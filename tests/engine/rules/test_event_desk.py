"""Work of a request for events: bounded as a whole, compiled once, in turn, and no longer than its client is there."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import InvalidBody, InvalidInput, TooManyChecks, TooManyMatches
from automation.domain.events import Event, WaitingRule
from automation.domain.opaque import Opaque
from automation.domain.rules import RuleVersion
from automation.engine.actions import Actions
from automation.engine.expressions.conditions import compiled
from automation.engine.rules.event_conditions import STEPS_OF_A_CONDITION
from automation.engine.rules.event_desk import AT_ONCE, SOON, STORING, EventDesk, EventWork
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.rules.rule_labels import RuleLabels
from automation.engine.rules.tenant_turns import MOST_WAITING
from tests.engine.rules.gate import LONG, SHORT, Gate
from tests.engine.triggers.shipped import TRIGGERS
from tests.storage.samples import a_content

A, B = uuid4(), uuid4()
PATIENT = 60.0
CONDITION: dict[str, Any] = {"field": "trigger.n", "operator": "equals", "value": 1}
STEPS_TO_COMPILE = STEPS_OF_A_CONDITION + len(CONDITION["field"]) + 1
STEPS_TO_EVALUATE = STEPS_OF_A_CONDITION + 5
"""The expression, its two members, the copy of what it finds, and that compared."""


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def rules(gate: Gate) -> RuleDesk:
    return RuleDesk(Actions.load(), TRIGGERS, rest=gate.rest)


def an_event(number: int = 1, **members: Any) -> Event:
    value = {"n": number, **members}
    return Event(id=str(uuid4()), source="/", type="counted", trigger=Opaque(value, "{}"))


def a_rule(*conditions: dict[str, Any]) -> WaitingRule:
    return WaitingRule(rule_id=uuid4(), conditions=conditions or (CONDITION,))


def pairs(rules: Sequence[WaitingRule], events: Sequence[Event]) -> list[tuple[WaitingRule, Event]]:
    return [(rule, event) for rule in rules for event in events]


def many() -> list[tuple[WaitingRule, Event]]:
    """Return what is more than is done at once."""
    found = pairs([a_rule()], [an_event() for _ in range(2 * AT_ONCE // STEPS_TO_EVALUATE)])
    assert len(found) * STEPS_TO_EVALUATE > AT_ONCE
    return found


async def staying() -> None:
    """Whoever waits is there for as long as a test is."""
    await asyncio.Event().wait()


def request(desk: EventDesk, tenant: UUID = A) -> EventWork:
    return desk.request(tenant, staying)


async def judged(work: EventWork, asked: list[tuple[WaitingRule, Event]]) -> Sequence[bool]:
    async with work:
        return await work.admitted(asked)


async def test_of_each_pair_it_is_said_whether_the_conditions_are_met(rules: RuleDesk) -> None:
    both = a_rule(CONDITION, {"field": "trigger.paid", "operator": "exists"})
    failing = a_rule({"field": "abs(trigger.n)", "operator": "exists"})
    events = [an_event(1), an_event(2, paid=True), an_event(1, paid=True)]

    met = await judged(request(EventDesk(rules)), pairs([both, failing], events))

    assert met == [False, False, True, True, True, True]


async def test_what_cannot_be_evaluated_meets_none(rules: RuleDesk, gate: Gate) -> None:
    gate.open()
    asked = [*pairs([a_rule({"field": "no(", "operator": "exists"})], [an_event(), an_event()])]
    large = an_event(many=[0] * 20_000)
    asked += pairs([a_rule({"field": "trigger.many[*]", "operator": "contains", "value": "x"}), a_rule()], [large])

    assert await judged(request(EventDesk(rules)), asked) == [False, False, False, True]


async def test_so_many_steps_are_taken_for_a_whole_request_and_not_one_more(rules: RuleDesk) -> None:
    asked = pairs([a_rule(), a_rule()], [an_event() for _ in range(3)])
    steps = 2 * STEPS_TO_COMPILE + 6 * STEPS_TO_EVALUATE

    met = await judged(request(EventDesk(rules, steps=steps)), asked)

    assert met == [True] * 6
    with pytest.raises(TooManyMatches, match=f"more than {steps - 1} steps"):
        await judged(request(EventDesk(rules, steps=steps - 1)), asked)


async def test_steps_are_those_of_all_looks_of_a_request(rules: RuleDesk) -> None:
    work = request(EventDesk(rules, steps=2 * (STEPS_TO_COMPILE + STEPS_TO_EVALUATE)))
    asked = pairs([a_rule()], [an_event()])

    for _ in range(2):
        await judged(work, asked)

    with pytest.raises(TooManyMatches):
        await judged(work, asked)


async def test_what_is_built_takes_steps_too(rules: RuleDesk, gate: Gate) -> None:
    """A string is read in a few steps, however long it is; a hundred of them take as long as they are."""
    gate.open()
    asked = pairs(
        [a_rule({"field": "trigger.text", "operator": "contains", "value": "b"})],
        [an_event(text="a" * 60_000) for _ in range(100)],
    )

    with pytest.raises(TooManyMatches):
        await judged(request(EventDesk(rules, steps=40_000)), asked)


async def test_conditions_are_compiled_once_for_all_events(rules: RuleDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def counted(conditions: Any, budget: Any) -> Any:
        seen.append(conditions)
        return compiled(conditions, budget)

    monkeypatch.setattr("automation.engine.rules.event_conditions.compiled", counted)
    waiting = [a_rule(), a_rule({"field": "no(", "operator": "exists"})]

    await judged(request(EventDesk(rules)), pairs(waiting, [an_event() for _ in range(5)]))

    assert seen == [rule.conditions for rule in waiting]


async def labelled(work: EventWork, events: Sequence[Event], rule: RuleVersion) -> None:
    """Have labels made for events."""
    for event in events:
        await work.labels(event, rule)


def a_version(**content: Any) -> RuleVersion:
    return RuleVersion(rule_id=uuid4(), tenant=A, version=1, content=a_content(**content))


async def test_labels_are_compiled_once_for_all_events_and_take_of_the_same_steps(
    rules: RuleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Counted(RuleLabels):
        def __init__(self, rule: RuleVersion, pace: Any) -> None:
            seen.append(rule)
            super().__init__(rule, pace)

    monkeypatch.setattr("automation.engine.rules.event_desk.RuleLabels", Counted)
    version, other = a_version(labels={"n": "${trigger.n}"}), a_version(labels={"n": "n${trigger.n}"})
    work = request(EventDesk(rules, steps=400))

    made = [await work.labels(an_event(number), rule) for rule in (version, other) for number in (1, 2)]

    assert [each.labels["n"] for each in made] == ["1", "2", "n1", "n2"]
    assert seen == [version, other]
    with pytest.raises(TooManyMatches):
        await labelled(work, [an_event()] * 400, version)


async def test_what_input_schemas_ask_takes_of_the_same_steps(rules: RuleDesk) -> None:
    version = a_version(input_schema={"properties": {"n": {"type": "integer"}}})
    large = replace(an_event(), trigger=Opaque({"n": 1, "many": [0] * 4_000}, "{}"))
    work = request(EventDesk(rules, steps=5_000))

    with pytest.raises(InvalidInput):
        await work.labels(replace(large, trigger=Opaque({"n": "one"}, "{}")), version)
    with pytest.raises(TooManyMatches):
        await labelled(work, [large] * 5_000, version)


async def test_a_tenant_has_one_long_request_at_a_time_and_others_wait_in_turn(rules: RuleDesk, gate: Gate) -> None:
    desk = EventDesk(rules, patience=PATIENT)
    first = asyncio.create_task(judged(request(desk), many()))
    await gate.held()
    others = [asyncio.create_task(judged(request(desk), many())) for _ in range(MOST_WAITING)]
    for _ in range(2 * AT_ONCE // SOON):
        await asyncio.sleep(0)

    with pytest.raises(TooManyChecks):
        await judged(request(desk), many())

    assert await judged(request(desk), pairs([a_rule()], [an_event()])) == [True]
    assert not any(each.done() for each in (first, *others))
    gate.open()
    assert all(map(all, await asyncio.gather(first, *others)))
    assert all(await judged(request(desk), many()))


async def test_who_waits_too_long_for_a_turn_is_refused(rules: RuleDesk, gate: Gate) -> None:
    desk = EventDesk(rules, patience=0.01)
    first = asyncio.create_task(judged(request(desk), many()))
    await gate.held()

    with pytest.raises(TooManyChecks):
        await judged(request(desk), many())

    gate.open()
    assert all(await first)


async def test_other_tenants_have_their_turn_between_two_parts(rules: RuleDesk, gate: Gate) -> None:
    desk = EventDesk(rules)
    endless = [(rule, event) for rule, event in many() for _ in range(500)]
    long = asyncio.create_task(judged(request(desk), endless))
    await gate.held()
    checks = [asyncio.create_task(rules.check(B, LONG)), asyncio.create_task(judged(request(desk, B), many()))]

    gate.open()
    await rules.check(B, SHORT)
    await asyncio.gather(*checks)

    assert not long.done()
    long.cancel()
    await asyncio.wait([long])


async def test_nothing_more_is_looked_at_for_a_client_who_has_gone(rules: RuleDesk, gate: Gate) -> None:
    desk, gone = EventDesk(rules, patience=PATIENT), asyncio.Event()
    endless = [(rule, event) for rule, event in many() for _ in range(500)]
    work = desk.request(A, gone_when(gone))
    long = asyncio.create_task(judged(work, endless))
    await gate.held()
    waiting = asyncio.create_task(judged(desk.request(A, gone_when(gone)), many()))

    gone.set()
    with pytest.raises(InvalidBody, match="connection was closed"):
        await waiting
    gate.open()
    with pytest.raises(InvalidBody, match="connection was closed"):
        await long

    assert all(await judged(request(desk), many()))


async def test_a_request_that_is_cancelled_gives_its_turn_to_the_next(rules: RuleDesk, gate: Gate) -> None:
    desk = EventDesk(rules, patience=PATIENT)
    long = asyncio.create_task(judged(request(desk), many()))
    await gate.held()
    waiting = [asyncio.create_task(judged(request(desk), many())) for _ in range(2)]
    for _ in range(2 * AT_ONCE // SOON):
        await asyncio.sleep(0)

    waiting[0].cancel()
    long.cancel()
    await asyncio.wait([long, waiting[0]])

    gate.open()
    assert all(await waiting[1])


def gone_when(gone: asyncio.Event) -> Any:
    """Return what returns when a client has gone."""

    async def leaving() -> None:
        await gone.wait()

    return leaving


async def test_few_requests_of_a_tenant_store_what_they_start_at_a_time(rules: RuleDesk) -> None:
    desk, inside, go = EventDesk(rules, patience=PATIENT), list[UUID](), asyncio.Event()

    async def store(tenant: UUID) -> None:
        async with request(desk, tenant).storing():
            inside.append(tenant)
            await go.wait()

    storing = [asyncio.create_task(store(tenant)) for tenant in (A, A, A, A, B)]
    for _ in range(5):
        await asyncio.sleep(0)

    assert sorted(inside) == sorted([A] * STORING + [B])
    go.set()
    await asyncio.gather(*storing)
    assert len(inside) == len(storing)
