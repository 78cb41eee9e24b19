"""Plays one round from a seed, and says in one line what happened in it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.system.hostile import checks
from tests.system.hostile.arena import Arena
from tests.system.hostile.attacks import Attack
from tests.system.hostile.bounds import SLACK, together
from tests.system.hostile.connection_attacks import ClientsGone, DeafClients, SilentClients
from tests.system.hostile.database_attacks import (
    BackendsKilled,
    ConnectionsRefused,
    DatabasePauses,
    NonsenseNotified,
    TableLocked,
)
from tests.system.hostile.innocents import Phase
from tests.system.hostile.process_attacks import (
    ChildFrozen,
    ChildKilled,
    ChildrenReplaced,
    ParentFrozen,
    ParentKilled,
    WorkerFrozen,
    WorkerKilled,
)
from tests.system.hostile.request_attacks import (
    LargeExecutionsRead,
    LargeRulesWritten,
    RepetitionsAtOnce,
    RetriesAtOnce,
    RunsThatHang,
)
from tests.system.hostile.vitals import Vitals

ATTACKS: Sequence[Attack] = [
    DatabasePauses(),
    RunsThatHang(),
    ChildKilled(),
    LargeRulesWritten(),
    TableLocked(),
    WorkerKilled(),
    SilentClients(),
    BackendsKilled(),
    ChildFrozen(),
    LargeExecutionsRead(),
    ConnectionsRefused(),
    RetriesAtOnce(),
    WorkerFrozen(),
    DeafClients(),
    ParentKilled(),
    RepetitionsAtOnce(),
    NonsenseNotified(),
    ChildrenReplaced(),
    ClientsGone(),
    ParentFrozen(),
]
BESIDE = 0.5
"""How likely a second attack comes along."""

CALM, AFTERWARDS, REST = 2.0, 1.5, 30.0

_log = logging.getLogger(__name__)


def drawn(seed: int) -> Sequence[Attack]:
    """Return the attacks of a round: one in turn, so that seeds in a row have all, and one by chance perhaps."""
    first = ATTACKS[seed % len(ATTACKS)]
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    others = [each for each in ATTACKS if each.target is not first.target]
    return [first, chance.choice(others)] if chance.random() < BESIDE else [first]


async def play_a_round(arena: Arena, vitals: Vitals, *, seed: int) -> list[str]:
    """Attack, wait until all is well again, and return a line for each promise that was not kept.

    Args:
        arena: Whose innocents ask all the time.
        vitals: What was seen of its processes so far.
        seed: What chance begins with. Processes have chances of their own: a seed repeats what is done, not each
            interleaving.
    """
    attacks, innocents = drawn(seed), arena.innocents
    concession = together(attack.concession for attack in attacks)
    begin = innocents.sent
    innocents.outcomes.clear()
    innocents.lag, innocents.phase = 0.0, Phase.BEFORE
    await asyncio.sleep(CALM)
    vitals.kept()  # of processes that are new
    innocents.phase = Phase.DURING
    chances = [Random(f"{seed} {attack.name}") for attack in attacks]  # noqa: S311 - repeatable on purpose
    seen = await asyncio.gather(*(each.run(arena, chance) for each, chance in zip(attacks, chances, strict=True)))
    broken = [line for lines in seen for line in lines]
    broken += await vitals.recovered()
    innocents.phase = Phase.AFTER
    await asyncio.sleep(AFTERWARDS)
    numbers = [number for number in list(innocents.acknowledged) if number > begin]
    broken += await checks.of_starts(arena, numbers, concession)
    broken += checks.of_answers(innocents, concession)
    broken += checks.of_slowness(innocents, concession)
    broken += vitals.kept()
    broken += vitals.told(replaces=any(attack.replaces for attack in attacks))
    _say(seed, attacks, arena, broken)
    return broken


async def come_to_rest(arena: Arena) -> list[str]:
    """Wait until the innocent's runs have ended, and return a line for each promise about them that was not kept."""
    broken = list(checks.of_calls(arena))
    for _ in range(int(REST * SLACK)):
        if not broken:
            break
        await asyncio.sleep(1.0)
        broken = list(checks.of_calls(arena))
    runs, calls = len(arena.innocents.acknowledged), sum(map(len, arena.calls.values()))
    _log.info(f"{arena.innocents.sent} executes, {runs} acknowledged, {calls} calls: {len(broken)} promises broken")
    return broken


def _say(seed: int, attacks: Sequence[Attack], arena: Arena, broken: Sequence[str]) -> None:
    outcomes = arena.innocents.outcomes
    statuses = dict(Counter(each.status for each in outcomes))
    before, beside = (checks.p99(outcomes, phase) * 1000 for phase in (Phase.BEFORE, Phase.DURING))
    longest = max(each.seconds for each in outcomes)
    _log.info(
        f"seed {seed}: {' and '.join(attack.name for attack in attacks)}: {statuses}, p99 {before:.0f} ms before, "
        f"{beside:.0f} ms beside, longest {longest:.1f} s, own lag {arena.innocents.lag * 1000:.0f} ms: "
        f"{len(broken)} promises broken"
    )
    for line in broken:
        _log.warning(line)
