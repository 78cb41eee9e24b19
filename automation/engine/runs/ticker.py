"""Ticks: makes the runs of recurring rules when they are due, beside the runs, in each worker."""

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from automation.domain.errors import InvalidInput, Unavailable
from automation.domain.firing import Firing
from automation.domain.labels import MadeLabels
from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import RuleContent, RuleVersion, TriggerType
from automation.engine.expressions.pace import Pace
from automation.engine.rules.rule_labels import made_labels
from automation.engine.triggers.input_schemas import OwnInputSchemas
from automation.engine.triggers.recurring import trigger_of
from automation.engine.triggers.schedule import BadSchedule, Schedule, Step, schedule
from automation.storage.schedules import HELD, DueSchedule, Schedules

_log = structlog.get_logger()

INTERVAL = 0.5
"""Seconds for which nobody looks at schedules at the most: one that is new may be due by then."""
LIMIT = 20
"""Tuned: how many are fired in a row before it is looked again who is due: tenants take turns."""


async def tick(schedules: Schedules) -> None:
    """Make the runs that are due, and sleep until the next one is, until cancelled. An outage is told once."""
    failing = False
    input_schemas = OwnInputSchemas()
    while True:
        pause = INTERVAL
        try:
            pause = await _round(schedules, input_schemas)
            failing = False
        except Unavailable as error:
            if not failing:
                _log.warning("schedules are not looked at", error=error.detail)
            failing = True
        await asyncio.sleep(pause)


def first_firing(content: RuleContent) -> Firing | None:
    """Return when a rule is due first from now on; None where the clock doesn't start it, or no more."""
    if content.trigger_type is not TriggerType.RECURRING:
        return None
    wanted = schedule(content.trigger_config)
    return _firing(wanted, wanted.after(datetime.now(UTC)))


async def _round(schedules: Schedules, input_schemas: OwnInputSchemas) -> float:
    """Make the runs that are due, and return for how long there is nothing to do."""
    found = await schedules.due(LIMIT, ahead=INTERVAL)
    random.shuffle(found)  # so that workers that look at the same moment begin with others
    waiting = [each.seconds_left for each in found if each.seconds_left > 0]
    held, fired = set[UUID](), False
    for each in found:
        if each.seconds_left > 0 or each.tenant in held:
            continue
        outcome = await _fire_alone(schedules, input_schemas, each)
        if outcome == HELD:
            held.add(each.tenant)
        elif outcome is not None:
            fired = True
    if fired:
        return 0  # there may be more: what was missed is made up for one by one
    return max(0.001, min([INTERVAL, *waiting]))


async def _fire_alone(schedules: Schedules, input_schemas: OwnInputSchemas, due: DueSchedule) -> str | None:
    """Do what is to be done about a rule that is due; what is wrong with one is told, and stops no other."""
    try:
        return await _fire(schedules, input_schemas, due)
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 - whatever it is
        _log.exception("schedule cannot be fired", tenant=str(due.tenant), rule_id=str(due.rule_id))
        return None


async def _fire(schedules: Schedules, input_schemas: OwnInputSchemas, due: DueSchedule) -> str | None:
    """Do what is to be done about a rule that is due, and return what ``Schedules.fire`` returns."""
    rule = await schedules.read(due)
    if rule is None or rule.content.trigger_type is not TriggerType.RECURRING:
        return None  # it was changed just now, and is due no more
    wanted, step = _step(rule, due)
    trigger = None if step.fire is None else trigger_of(step.fire, due.looked_at)
    fire = partial(
        schedules.fire,
        due,
        rule.version,
        following=_firing(wanted, step.following),
        origin=Origin(kind=TriggerKind.SCHEDULE, scheduled_at=step.fire),
    )
    make_labels = partial(_labels, input_schemas=input_schemas, trigger_data=trigger or {})
    try:
        outcome = await fire(trigger=trigger, make_labels=make_labels)
    except InvalidInput:
        outcome = await fire(trigger=None)
        if outcome not in (None, HELD):
            outcome = InvalidInput.code
    if outcome not in (None, "created", "passed", "already_pending", HELD):
        _log.warning("schedule made no run", tenant=str(due.tenant), rule_id=str(due.rule_id), reason=outcome)
    return outcome


def _step(rule: RuleVersion, due: DueSchedule) -> tuple[Schedule, Step]:
    try:
        wanted = schedule(rule.content.trigger_config)
    except BadSchedule as error:  # another machine's time zones, or another version's rules
        _log.error("schedule cannot be read", tenant=str(due.tenant), rule_id=str(due.rule_id), error=str(error))
        return Schedule(), Step(None, None)
    return wanted, wanted.step(due.scheduled_at, due.looked_at)


def _firing(wanted: Schedule, time: datetime | None) -> Firing | None:
    if time is None:
        return None
    return Firing(time, time + wanted.jitter * random.random())  # noqa: S311 - spreads load, and guards nothing


async def _labels(rule: RuleVersion, *, input_schemas: OwnInputSchemas, trigger_data: Mapping[str, Any]) -> MadeLabels:
    await input_schemas.require(rule, trigger_data)
    return made_labels(rule, trigger_data, Pace(lambda: None))
