"""Makes mutants of the code that matters most, and says which of them no test notices: ``make test-mutation``.

A mutant is a copy of the code with one small change. The tests that run the changed line are run on it: if all of them
pass, nobody would have noticed the fault. What was found is kept in ``.mutation``, and a run that is broken off goes on
where it was, as long as the code is the same, and the tests that a verdict rests on.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools.mutation.bench import Bench
from tools.mutation.covering import OutOfTime
from tools.mutation.mutants import EQUIVALENT, ROOMS, Mutant, Reasons, left_out, mutants, spread
from tools.mutation.trial import Verdict

REPOSITORY = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants until all are tried or the time is over, and report."""
    options = _options(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    begun = time.monotonic()
    reasons = Reasons.read(REPOSITORY)
    choice = random.Random(seed)  # noqa: S311 -- a choice that can be repeated, no secret
    only = tuple(options.only or [choice.choice(list(ROOMS)) if options.some else ""])
    everything = list(mutants(REPOSITORY))
    for entry in reasons.unused(everything):
        print(f"{EQUIVALENT}: there is no such mutant any more: {entry}")
    made = [mutant for mutant in everything if mutant.path.startswith(only)]
    counted = [mutant for mutant in made if reasons.of(mutant) is None]
    counted = spread(counted, choice)
    print(f"{len(counted)} mutants of {' '.join(only) or 'all'}, {len(made) - len(counted)} more change nothing.")
    print(f"Numbers that are said to be tuned: {left_out(REPOSITORY)} changes of all are left out.")
    counted = counted[: options.sample] if options.sample else counted
    print(f"{len(counted)} of them are tried, in the order of seed {seed}.", flush=True)
    until = begun + 60 * options.minutes if options.minutes else None
    try:
        return _report(_tried(counted, until, options.processes), options.least)
    except OutOfTime:
        print("The time was over before it was known which tests run which lines: nothing was tried.")
        return 1


def _tried(counted: Sequence[Mutant], until: float | None, processes: int) -> dict[Mutant, Verdict]:
    """Try mutants, say at once which of them nobody noticed, and return all verdicts."""
    verdicts: dict[Mutant, Verdict] = {}
    with Bench(REPOSITORY, REPOSITORY / ".mutation", processes) as bench:
        for mutant, verdict in bench.tried(counted, until, sorted({mutant.room for mutant in counted})):
            verdicts[mutant] = verdict
            if verdict in {Verdict.LIVED, Verdict.UNSEEN}:
                print(f"{verdict}: {mutant}", flush=True)
    return verdicts


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("only", nargs="*", help="paths that the mutants' files begin with; all of them by default")
    parser.add_argument("--some", action="store_true", help="those of one part of the code, chosen at random")
    parser.add_argument("--seed", type=int, help="the order of the mutants; a fresh one by default, which is printed")
    parser.add_argument("--sample", type=int, help="how many of them, all by default")
    parser.add_argument("--minutes", type=float, help="when to stop")
    usual = min(os.cpu_count() or 1, 8)
    parser.add_argument("--processes", type=int, default=usual, help="how many are tried side by side")
    parser.add_argument("--least", type=float, default=0.0, help="exit 1 where less than this share is noticed")
    return parser.parse_args(arguments)


def _report(verdicts: dict[Mutant, Verdict], least: float) -> int:
    rooms = sorted({mutant.room for mutant in verdicts})
    for room in rooms:
        found = Counter(verdict for mutant, verdict in verdicts.items() if mutant.room == room)
        print(f"{room:40} {_share(found)}")
    found = Counter(verdicts.values())
    print(f"{'all':40} {_share(found)}")
    if found[Verdict.OPEN]:
        print(f"Of {found[Verdict.OPEN]} more nothing is known: the time was over, or the machine too busy.")
    noticed, tried = found[Verdict.NOTICED], found[Verdict.NOTICED] + found[Verdict.LIVED] + found[Verdict.UNSEEN]
    return 1 if noticed < least * tried else 0


def _share(found: Counter[Verdict]) -> str:
    tried = found[Verdict.NOTICED] + found[Verdict.LIVED] + found[Verdict.UNSEEN]
    share = f"{found[Verdict.NOTICED] / tried:.0%}" if tried else "-"
    return f"{share:>5} of {tried} noticed, {found[Verdict.LIVED]} lived, {found[Verdict.UNSEEN]} unseen"


if __name__ == "__main__":
    sys.exit(main())
