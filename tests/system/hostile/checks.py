"""Checks of what the innocent was entitled to: each yields one line for every promise that was not kept."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import median

import psycopg

from tests.system.hostile.arena import Arena
from tests.system.hostile.bounds import DEAF, LONGEST_ANSWER, SHORTEST_SERIES, SLACK, TIMES_SLOWER, Concession
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
    longest = _longest(innocents, concession)
    late = [each for each in innocents.outcomes if each.seconds > longest]
    if late:
        yield f"{len(late)} requests took more than {longest:.1f} s, one {max(each.seconds for each in late):.1f} s"


async def of_hangs(innocents: Innocents, concession: Concession) -> list[str]:
    """Wait until what was asked so far is answered, and tell of what isn't in time, which may never be."""
    asked = set(innocents.under_way)
    while open_since := [due for number, due in innocents.under_way.items() if number in asked]:
        longest = _longest(innocents, concession)
        if time.monotonic() - min(open_since) > longest:
            return [f"{len(open_since)} requests have no answer after {longest:.1f} s"]
        await asyncio.sleep(0.05)
    return []


def of_slowness(innocents: Innocents, concession: Concession) -> Iterator[str]:
    """Tell of reads that were much slower beside the attack than in calm phases."""
    calm, beside = usual(innocents.calm), p99(reads(innocents.outcomes, Phase.DURING))
    longest = max(TIMES_SLOWER * calm, SHORTEST_SERIES) * SLACK + innocents.lag
    if beside > longest and not concession.slowness:
        yield f"p99 is {calm:.3f} s in calm phases and was {beside:.3f} s beside this; {longest:.3f} s are allowed"


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


def of_deafness(arena: Arena, numbers: Sequence[int]) -> Iterator[str]:
    """Tell of runs that began late after the attack: workers that don't hear of jobs look for them now and then."""
    innocents, latencies = arena.innocents, starts(arena, numbers)
    longest = max(DEAF, TIMES_SLOWER * usual(innocents.calm_starts)) * SLACK + innocents.lag
    if latencies and median(latencies) > longest:
        yield f"runs began {median(latencies):.3f} s after their acknowledgement; {longest:.3f} s are allowed"


def starts(arena: Arena, numbers: Sequence[int]) -> list[float]:
    """Return the seconds from the acknowledgement of runs to their first calls."""
    acknowledged = arena.innocents.acknowledged
    begun = [number for number in numbers if number in acknowledged and number in arena.calls]
    return [arena.calls[number][0].at - acknowledged[number][1] for number in begun]


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


def p99(seconds: Sequence[float]) -> float:
    """Return the seconds that the slowest hundredth took at least; 0 where there was none."""
    return sorted(seconds)[int(len(seconds) * 0.99)] if seconds else 0.0


def usual(seconds: Collection[float]) -> float:
    """Return what is usual of calm phases: a machine that stalled in one of them makes no other one slow."""
    return median(seconds) if seconds else 0.0


def reads(outcomes: Sequence[Outcome], phase: Phase) -> list[float]:
    """Return the seconds that each read of a phase took."""
    return [each.seconds for each in outcomes if each.phase is phase and each.operation == "read"]


def _is_entitled(outcome: Outcome, concession: Concession) -> bool:
    if outcome.status == _GOOD[outcome.operation]:
        return True
    if outcome.phase is not Phase.DURING:
        return False
    if outcome.status is None:
        return concession.losses or (concession.refused and outcome.refused)
    if outcome.status == _IN_FLIGHT:
        return outcome.operation == "execute" and (concession.losses or concession.refused or concession.refusals)
    return outcome.status == 503 and outcome.told and concession.refusals


def _longest(innocents: Innocents, concession: Concession) -> float:
    """Return the seconds that a request may take."""
    return LONGEST_ANSWER * SLACK + innocents.lag + concession.held


def _said(outcome: Outcome) -> str:
    if outcome.status is None:
        return "refused" if outcome.refused else "no answer"
    return f"{outcome.status}{'' if outcome.status != 503 or outcome.told else ' without Retry-After'}"
