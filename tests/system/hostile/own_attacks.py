"""Attacks by what a tenant does with its own: it keeps its rows locked, or has all that it can started by events."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Sequence
from random import Random
from uuid import uuid4

from tests.system.hostile.arena import Arena
from tests.system.hostile.asking import done, flood, only, post
from tests.system.hostile.attacks import Attack, Target
from tests.system.tenancy import EVENTS, EXECUTIONS, RULES, rule_input
from tests.system.wire import Answer, Wire

_EXECUTING, _HOLDING, _PUBLISHING = 40, 2, 8
_BATCH, _ANEW = 100, "ANEW"
_PAUSED = {"status": "paused", "actions": [{"type": "wait", "config": {"seconds": 1}}]}
_LABELS = {f"label{number}": "${trigger.data.order}" for number in range(5)}


class OwnRowsHeld(Attack):
    """Forty clients run a paused, limited rule, while two ask without a pause what a cancel of its runs would do."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        rule = await _created(arena, {**_PAUSED, "max_concurrent_executions": 1})
        wanted = json.dumps({"filter": {"automation_rule_id": [rule]}, "dry_run": True}).encode()
        executed, held = await asyncio.gather(
            flood(arena, _EXECUTING, lambda wire: post(arena.greedy, wire, f"{RULES}/{rule}/execute")),
            flood(arena, _HOLDING, lambda wire: post(arena.greedy, wire, f"{EXECUTIONS}/cancel", wanted)),
        )
        await _cancelled(arena, rule)
        return [*only(executed, {202, 429, 503}, needed={202}), *only(held, {200, 202, 503}, needed={200})]


class ManyEventsPublished(Attack):
    """Eight clients of a tenant publish batches of a hundred events, each of which starts a run with labels."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        begun = f"hostile.{chance.randrange(10**9)}"
        trigger = {"trigger_type": "event", "trigger_config": {"types": [f"{begun}.*"]}}
        rule = await _created(arena, {**_PAUSED, **trigger, "labels": _LABELS})
        named = {"content-type": "application/cloudevents-batch+json"}
        common = {"specversion": "1.0", "source": "/hostile", "type": f"{begun}.made"}
        batch = [{**common, "id": f"{_ANEW}-{each}", "data": {"order": f"{each}"}} for each in range(_BATCH)]
        events = json.dumps(batch).encode()

        def published(wire: Wire) -> Awaitable[Answer]:
            anew = events.replace(_ANEW.encode(), uuid4().bytes.hex().encode())
            return post(arena.greedy, wire, EVENTS, anew, named)

        answers = await flood(arena, _PUBLISHING, published)
        await _cancelled(arena, rule)
        return only(answers, {202, 429, 503}, needed={202})


async def _created(arena: Arena, rule: dict[str, object]) -> str:
    wire = Wire(arena.base_url)
    made = await done(arena.greedy, wire, RULES, json.dumps(rule_input(**rule)).encode())
    wire.close()
    return str(json.loads(made.body)["data"]["rule_id"])


async def _cancelled(arena: Arena, rule: str) -> Counter[int]:
    """Cancel all that was started, so that nothing is left of it for the next round."""
    wire = Wire(arena.base_url)
    wanted = json.dumps({"filter": {"automation_rule_id": [rule]}}).encode()
    answer = await done(arena.greedy, wire, f"{EXECUTIONS}/cancel", wanted)
    wire.close()
    return Counter([answer.status])
