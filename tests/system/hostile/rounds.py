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
    DatabaseKilled,
    DatabasePauses,
    LoginStolen,
    NonsenseNotified,
    TableLocked,
)
from tests.system.hostile.innocents import Phase
from tests.system.hostile.own_attacks import ManyEventsPublished, OwnRowsHeld
from tests.system.hostile.process_attacks import (
    ChildFrozen,
    ChildKilled,
    ChildrenReplaced,
    ParentFrozen,
    ParentKilled,
    ServiceStopped,
    WorkerFrozen,
    WorkerKilled,
)
from tests.system.hostile.request_attacks import (
    LargeExecutionsRead,
    LargeRulesWritten,
    RepetitionsAtOnce,
    RetriesAtOnce,
)
from tests.system.hostile.run_attacks import MailForged, NumbersExpanded, RunsCancelled, RunsThatHang
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
    RunsCancelled(),
    ServiceStopped(),
    MailForged(),
    DatabaseKilled(),
    NumbersExpanded(),
    LoginStolen(),
    OwnRowsHeld(),
    ManyEventsPublished(),
]
BESIDE = 0.5
"""How likely a second attack comes along."""

SETTLING, CALM, AFTERWARDS, REST = 5.0, 2.0, 1.5, 30.0

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
    innocents.lag = 0.0
    await be_calm(arena)
    vitals.kept()  # of processes that are new
    innocents.phase = Phase.DURING
    seen = await asyncio.gather(*(_attacked(attack, arena, seed) for attack in attacks))
    broken = [line for lines in seen for line in lines]
    broken += await vitals.recovered()
    innocents.phase = Phase.AFTER
    after = innocents.sent
    await asyncio.sleep(AFTERWARDS)
    broken += await checks.of_hangs(innocents, concession)
    numbers = [number for number in list(innocents.acknowledged) if number > begin]
    broken += await checks.of_starts(arena, numbers, concession)
    broken += checks.of_deafness(arena, [number for number in numbers if number > after])
    broken += checks.of_answers(innocents, concession)
    broken += checks.of_slowness(innocents, concession)
    broken += vitals.kept()
    broken += vitals.told(replaces=any(attack.replaces for attack in attacks))
    _say(seed, attacks, arena, vitals, broken)
    return broken


async def warm_up(arena: Arena, vitals: Vitals) -> None:
    """Have the largest requests made, and not read: what an allocator keeps of them, a process has from then on."""
    for attack in (LargeExecutionsRead(), LargeRulesWritten(), DeafClients(), DeafClients()):
        await attack.run(arena, Random(0))  # noqa: S311 - repeatable on purpose
        vitals.rest()
    await be_calm(arena, SETTLING)


async def be_calm(arena: Arena, seconds: float = CALM) -> None:
    """Have the innocents ask beside nobody, and note how long that takes."""
    innocents = arena.innocents
    innocents.outcomes.clear()
    innocents.phase = Phase.BEFORE
    begin = innocents.sent
    await asyncio.sleep(seconds)
    innocents.calm.append(checks.p99(checks.reads(innocents.outcomes, Phase.BEFORE)))
    innocents.calm_starts += checks.starts(arena, range(begin + 1, innocents.sent + 1))


async def _attacked(attack: Attack, arena: Arena, seed: int) -> Sequence[str]:
    """Attack, and return a line where that broke off: what the attacker relied on is promised too."""
    chance = Random(f"{seed} {attack.name}")  # noqa: S311 - repeatable on purpose
    try:
        return await attack.run(arena, chance)
    except Exception as error:  # noqa: BLE001 - told as what was found
        return [f"{attack.name} broke off: {error!r}"]


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


def _say(seed: int, attacks: Sequence[Attack], arena: Arena, vitals: Vitals, broken: Sequence[str]) -> None:
    outcomes = arena.innocents.outcomes
    statuses = dict(Counter(each.status for each in outcomes))
    calm = checks.usual(arena.innocents.calm) * 1000
    beside = checks.p99(checks.reads(outcomes, Phase.DURING)) * 1000
    longest = max(each.seconds for each in outcomes)
    _log.info(
        f"seed {seed}: {' and '.join(attack.name for attack in attacks)}: {statuses}, p99 {calm:.0f} ms in calm "
        f"phases, {beside:.0f} ms beside, longest {longest:.1f} s, own lag {arena.innocents.lag * 1000:.0f} ms, "
        f"memory {vitals.memory()} MiB: {len(broken)} promises broken"
    )
    for line in broken:
        _log.warning(line)
