"""Attacks by what is sent: floods by one tenant, and many at once who want the same."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import cycle
from random import Random
from uuid import uuid4

from tests.system.hostile.arena import Arena
from tests.system.hostile.asking import answered, flood, only, post
from tests.system.hostile.attacks import Attack, Target
from tests.system.tenancy import RULES, rule_input
from tests.system.wire import Answer, Wire

_AT_ONCE = 50
_RULES = (
    (9, "${trigger.orders[0].lines[1].price}"),
    (9, "${trigger.orders[0].lines[1].price.currency.name} " + "x" * 250),
    (39, "${trigger.a}" * 5),
)
"""How many fields each action of a rule has, and what stands in them: as much as is accepted, more than can be checked
within its budget, and as many expressions as there is room for in a request."""


class LargeRulesWritten(Attack):
    """Forty clients of a tenant write rules as hard to check as they may be, or harder, one after the other."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        bodies = cycle([_rule(arena, *rule) for rule in chance.sample(_RULES, len(_RULES))])
        answers = await flood(arena, 40, lambda wire: post(arena.greedy, wire, RULES, next(bodies)))
        return only(answers, {201, 400, 429, 503}, needed={201, 400})


class LargeExecutionsRead(Attack):
    """Twelve clients of a tenant read an execution whose results are as large as they may be, again and again."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy = arena.greedy
        named = {"x-api-key": greedy.tenant.key}
        answers = await flood(arena, 12, lambda wire: wire.ask("GET", greedy.large, named))
        return only(answers, {200, 503}, needed={200})


class RetriesAtOnce(Attack):
    """Fifty clients retry the same attempt of a failed execution at once; one of them does."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy = arena.greedy
        path = greedy.failed.pop()
        body = json.dumps({"attempt": 1, "from": chance.choice(["start", "failed_action"])}).encode()
        answers = await _at_once(arena, lambda wire: post(greedy, wire, f"{path}/retry", body))
        told = Counter(answer.status for answer in answers)
        accepted = told[200] + told[202]
        return [
            *only(told, {200, 202, 409, 429, 503}, needed={200, 202, 409}),
            *([f"{accepted} of {_AT_ONCE} retries of one attempt were accepted"] if accepted > 1 else []),
        ]


class RepetitionsAtOnce(Attack):
    """Fifty clients send the same execute with the same Idempotency-Key at once; it is done once."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy = arena.greedy
        body = json.dumps({"trigger_data": {"number": chance.randrange(1000)}}).encode()
        key = {"idempotency-key": f'"{uuid4()}"'}
        path = f"{RULES}/{greedy.brief}/execute"
        answers = await _at_once(arena, lambda wire: post(greedy, wire, path, body, key))
        made = {json.loads(answer.body)["data"]["execution_id"] for answer in answers if answer.status == 202}
        return [
            *only(Counter(answer.status for answer in answers), {202, 409, 429, 503}, needed={202, 409}),
            *([f"one execute with one key made {len(made)} executions"] if len(made) > 1 else []),
        ]


def _rule(arena: Arena, number: int, filling: str) -> bytes:
    """Return a rule of twenty actions with so many fields each."""
    fields = {f"f{each}": filling for each in range(number)}
    config = {"method": "POST", "url": arena.filling.url, "json": fields}
    return json.dumps(rule_input(actions=[{"type": "webhook_call", "config": config}] * 20)).encode()


async def _at_once(arena: Arena, ask: Callable[[Wire], Awaitable[Answer]]) -> Sequence[Answer]:
    """Ask on fifty connections at once; return the answers."""
    wires = [Wire(arena.base_url) for _ in range(_AT_ONCE)]
    answers = await asyncio.gather(*(answered(partial(ask, wire)) for wire in wires))
    for wire in wires:
        wire.close()
    return answers
