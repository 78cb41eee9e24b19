"""Checks of what the innocent was entitled to: each yields one line for every promise that was not kept."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import psycopg

from tests.system.hostile.arena import Arena
from tests.system.hostile.bounds import (
    LONGEST_ANSWER,
    LONGEST_SERIES,
    SHORTEST_SERIES,
    SLACK,
    Concession,
)
from tests.system.hostile.innocents import Innocents, Outcome, Phase

_GOOD = {"read": 200, "execute": 202}
_IN_FLIGHT = 409
"""What a write is answered whose first sending is still under way: it was sent again because that one was lost."""

_Stored = Mapping[str, tuple[str, int]]
"""The status and the number of each execution."""

_EXECUTIONS = (
    "SELECT execution_id::text, status, (trigger_data ->> 'number')::integer FROM automation_executions"
    " WHERE tenant = %s AND trigger_data ->> 'number' IS NOT NULL"
)


def of_answers(innocents: Innocents, concession: Concession) -> Iterator[str]:
    """Tell of answers that the innocent should not have had, and of those that came too late."""
    wrong = Counter(
        f"{each.operation} {each.phase} the attack: {_said(each)}"
        for each in innocents.outcomes
        if not _is_entitled(each, concession)
    )
    yield from (f"{times} times {what}" for what, times in wrong.items())
    longest = LONGEST_ANSWER * SLACK + innocents.lag + concession.held
    late = [each for each in innocents.outcomes if each.seconds > longest]
    if late:
        yield f"{len(late)} requests took more than {longest:.1f} s, one {max(each.seconds for each in late):.1f} s"


def of_slowness(innocents: Innocents, concession: Concession) -> Iterator[str]:
    """Tell of reads that were much slower beside the attack than before it."""
    before, beside = (p99(innocents.outcomes, phase) for phase in (Phase.BEFORE, Phase.DURING))
    longest = max(LONGEST_SERIES * before, SHORTEST_SERIES * SLACK) + innocents.lag
    if beside > longest and not concession.slowness:
        yield f"p99 was {before:.3f} s before and {beside:.3f} s beside the attack; {longest:.3f} s are allowed"


async def of_starts(arena: Arena, numbers: Sequence[int], concession: Concession) -> list[str]:
    """Wait until every run of some numbers has begun, and tell of those that didn't in time."""
    late = []
    for number in numbers:
        execution, acknowledged = arena.innocents.acknowledged[number]
        until = acknowledged + concession.started * SLACK + arena.innocents.lag
        while number not in arena.calls and time.monotonic() < until:  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.05)
        if number not in arena.calls or arena.calls[number][0].at > until:
            late.append(execution)
    return [f"{len(late)} runs had not begun in {concession.started * SLACK:.0f} s: {late[:3]}"] if late else []


def of_calls(arena: Arena) -> Iterator[str]:
    """Tell of runs that nobody was told of, were done twice, or never ended; to be asked at rest."""
    with psycopg.connect(arena.urls.admin) as admin:
        rows = admin.execute(_EXECUTIONS, (arena.innocent.tenant,)).fetchall()
    stored = {execution: (status, number) for execution, status, number in rows}
    acknowledged = {number: execution for number, (execution, _) in arena.innocents.acknowledged.items()}
    yield from _of_acknowledged(arena, acknowledged, stored)
    yield from _of_others(arena, acknowledged, stored)


def _of_acknowledged(arena: Arena, acknowledged: Mapping[int, str], stored: _Stored) -> Iterator[str]:
    for number, execution in acknowledged.items():
        status, _ = stored.get(execution, ("lost", number))
        if status != "completed":
            yield f"{execution} was acknowledged, and is {status}"
        if number not in arena.calls:
            yield f"{execution} was acknowledged, and its receiver saw nothing"


def _of_others(arena: Arena, acknowledged: Mapping[int, str], stored: _Stored) -> Iterator[str]:
    """Tell of what was done twice; a write that is still open may have been done, once."""
    made = Counter(number for _, number in stored.values())
    yield from (f"the key of run {number} made {times} executions" for number, times in made.items() if times > 1)
    for number, calls in arena.calls.items():
        executions, keys = {call.execution for call in calls}, {call.key for call in calls}
        if len(executions) != 1 or len(keys) != 1:
            yield f"run {number} was called for by {executions} with {keys}"
        if not executions <= stored.keys() or acknowledged.get(number, calls[0].execution) not in executions:
            yield f"{executions} ran, and {acknowledged.get(number)} was acknowledged"


def p99(outcomes: Sequence[Outcome], phase: Phase) -> float:
    """Return the seconds that the slowest hundredth of the reads of a phase took at least; 0 where there was none."""
    seconds = sorted(each.seconds for each in outcomes if each.phase is phase and each.operation == "read")
    return seconds[int(len(seconds) * 0.99)] if seconds else 0.0


def _is_entitled(outcome: Outcome, concession: Concession) -> bool:
    if outcome.status == _GOOD[outcome.operation]:
        return True
    if outcome.phase is not Phase.DURING:
        return False
    if outcome.status is None:
        return concession.losses
    if outcome.status == _IN_FLIGHT:
        return outcome.operation == "execute" and (concession.losses or concession.refusals)
    return outcome.status == 503 and outcome.told and concession.refusals


def _said(outcome: Outcome) -> str:
    return f"{outcome.status or 'no answer'}{'' if outcome.status != 503 or outcome.told else ' without Retry-After'}"
