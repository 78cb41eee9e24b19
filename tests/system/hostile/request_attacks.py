"""Attacks by what is sent: floods by one tenant, and many at once who want the same."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from uuid import uuid4

from tests.system.hostile.arena import Arena, Greedy
from tests.system.hostile.attacks import Attack, Target
from tests.system.tenancy import EXECUTIONS, RULES, rule_input
from tests.system.wire import Answer, Wire

_FLOOD = 4.0
_AT_ONCE = 50
_BRIEF = 30.0
_MANY = 40
_RULES = ("${trigger.orders[0].lines[1].price}", "${trigger.orders[0].lines[1].price.currency.name} " + "x" * 250)
"""What stands in every field of a rule: as much as is accepted, and more than can be checked within its budget."""


class LargeRulesWritten(Attack):
    """Four clients of a tenant write rules as hard to check as they may be, or harder, one after the other."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        filling = chance.choice(_RULES)
        fields = {f"field{number}": filling for number in range(9)}
        config = {"method": "POST", "url": arena.filling.url, "json": fields}
        actions = [{"type": "webhook_call", "config": config}] * 20
        body = json.dumps(rule_input(actions=actions)).encode()
        answers = await _flood(arena, 4, lambda wire: _post(arena.greedy, wire, RULES, body))
        return _only(answers, {201, 400, 429, 503}, needed={201, 400})


class LargeExecutionsRead(Attack):
    """Twelve clients of a tenant read an execution whose results are as large as they may be, again and again."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy = arena.greedy
        named = {"x-api-key": greedy.tenant.key}
        answers = await _flood(arena, 12, lambda wire: wire.ask("GET", greedy.large, named))
        return _only(answers, {200, 503}, needed={200})


class RunsThatHang(Attack):
    """A tenant executes forty runs whose receiver never answers, and cancels them in the end."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy, wire = arena.greedy, Wire(arena.base_url)
        body = json.dumps({"priority": chance.choice([-10, 0, 10])}).encode()
        path = f"{RULES}/{greedy.hanging}/execute"
        answers = [await _answered(lambda: _post(greedy, wire, path, body)) for _ in range(_MANY)]
        await asyncio.sleep(_FLOOD)
        accepted = [json.loads(answer.body)["data"]["execution_id"] for answer in answers if answer.status == 202]
        ends = [await _done(greedy, wire, f"{EXECUTIONS}/{each}/cancel") for each in accepted]
        wire.close()
        return [
            *_only(Counter(answer.status for answer in answers), {202, 429, 503}, needed={202}),
            *([] if {answer.status for answer in ends} <= {200, 202, 409} else [f"a cancel was answered {ends}"]),
        ]


class RetriesAtOnce(Attack):
    """Fifty clients retry the same attempt of a failed execution at once; one of them does."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy = arena.greedy
        path = greedy.failed.pop()
        body = json.dumps({"attempt": 1, "from": chance.choice(["start", "failed_action"])}).encode()
        answers = await _at_once(arena, lambda wire: _post(greedy, wire, f"{path}/retry", body))
        told = Counter(answer.status for answer in answers)
        accepted = told[200] + told[202]
        return [
            *_only(told, {200, 202, 409, 429, 503}, needed={200, 202, 409}),
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
        answers = await _at_once(arena, lambda wire: _post(greedy, wire, path, body, key))
        made = {json.loads(answer.body)["data"]["execution_id"] for answer in answers if answer.status == 202}
        return [
            *_only(Counter(answer.status for answer in answers), {202, 409, 429, 503}, needed={202, 409}),
            *([f"one execute with one key made {len(made)} executions"] if len(made) > 1 else []),
        ]


async def _flood(arena: Arena, clients: int, ask: Callable[[Wire], Awaitable[Answer]]) -> Counter[int]:
    """Have clients ask, each the next time when it was answered; return how often each status was seen."""
    answers = Counter[int]()
    until = time.monotonic() + _FLOOD

    async def be_one() -> None:
        wire = Wire(arena.base_url)
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(_BRIEF):
                    answers[(await ask(wire)).status] += 1
            except (OSError, EOFError):  # another attack has ended the process that was asked
                await asyncio.sleep(0.1)
        wire.close()

    await asyncio.gather(*(be_one() for _ in range(clients)))
    return answers


async def _at_once(arena: Arena, ask: Callable[[Wire], Awaitable[Answer]]) -> Sequence[Answer]:
    """Ask on fifty connections at once; return the answers."""
    wires = [Wire(arena.base_url) for _ in range(_AT_ONCE)]
    answers = await asyncio.gather(*(_answered(partial(ask, wire)) for wire in wires))
    for wire in wires:
        wire.close()
    return answers


async def _answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until there is an answer: another attack may end the process that was asked."""
    async with asyncio.timeout(_BRIEF):
        while True:
            with suppress(OSError, EOFError):
                return await ask()
            await asyncio.sleep(0.1)


async def _done(greedy: Greedy, wire: Wire, path: str) -> Answer:
    """Ask until the answer is no 503."""
    async with asyncio.timeout(_BRIEF):
        while (answer := await _answered(lambda: _post(greedy, wire, path))).status == 503:  # noqa: ASYNC110
            await asyncio.sleep(1.0)
        return answer


async def _post(
    greedy: Greedy, wire: Wire, path: str, body: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Answer:
    return await wire.ask("POST", path, {"x-api-key": greedy.tenant.key, **(headers or {})}, body)


def _only(answers: Counter[int], expected: set[int], *, needed: set[int]) -> Sequence[str]:
    """Return a line where other statuses were answered than expected, and where no attack came about."""
    strange = {status: times for status, times in answers.items() if status not in expected}
    return [
        *([f"the attacker was answered {strange}"] if strange else []),
        *([] if needed & answers.keys() or 503 in answers else [f"no attack came about: {dict(answers)}"]),
    ]
