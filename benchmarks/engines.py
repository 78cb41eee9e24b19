"""``make bench-engine``: this engine, and those that people would take in its place, doing the same jobs in turn.

One run on one machine and one PostgreSQL with durable commits. In a round each takes its turn: its workers are started,
warmed up, asked for a job now and then, and frozen until a backlog waits, which they then work off; nobody else's
run meanwhile. Afterwards each runs jobs that come at a steady pace, and a last backlog for its statements to be
counted.
"""

import argparse
import asyncio
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path

from benchmarks import engine_report, frame
from benchmarks.broker import redis
from benchmarks.contenders import Contender, Ground, Peer, contenders
from benchmarks.engine import fresh_database
from benchmarks.engine_report import Paced, Results
from benchmarks.frame import LOGS, OUTPUT
from benchmarks.lineup import PEERS_PYTHON
from benchmarks.machine import describe
from benchmarks.race import Race
from benchmarks.receiver import receiving

SLOWER = 0.85
"""The next pace that is tried where one is not kept."""
SLOWEST = 10


async def measure(ground: Ground, chosen: list[Contender], results: Results, arguments: argparse.Namespace) -> None:
    """Measure everything, saying so line by line.

    Raises:
        InvalidRun: Jobs are not done.
    """
    contest = Race(ground, arguments)
    async with AsyncExitStack() as stack:
        for contender in chosen:
            await contest.prepare(contender, stack)
        for number in range(1, arguments.rounds + 1):
            print(f"round {number} of {arguments.rounds}", flush=True)
            for contender in chosen:
                with frame.named(contender):
                    turn = await contest.turn(contender)
                results.add(contender, turn)
                print(f"  {contender.title}: {turn.rate:,.1f} a second", flush=True)
        for contender in chosen:
            with frame.named(contender):
                results.paced[contender.name] = await _sustained(contest, contender, results, arguments.rate)
        for contender in chosen:
            with frame.named(contender):
                results.counts[contender.name] = await contest.count(contender)


async def _sustained(contest: Race, contender: Contender, results: Results, rate: float) -> Paced | None:
    """Return what came of the highest pace that an engine keeps, down from the one that is asked for."""
    if not contender.calls:
        return None
    while rate > results.rate(contender.name):
        rate *= SLOWER
    while True:
        paced = await contest.pace(contender, rate)
        print(f"  {contender.title}: {rate:.0f} a second {'kept' if paced.kept else 'not kept'}", flush=True)
        if paced.kept or rate * SLOWER < SLOWEST:
            return paced
        rate *= SLOWER


def run(arguments: argparse.Namespace) -> Results:
    """Measure what the arguments ask for.

    Raises:
        InvalidRun: Jobs are not done.
    """
    chosen, skipped = frame.choose(contenders(), arguments.targets)
    results = Results(describe(), vars(arguments), skipped)
    needs_redis = any(isinstance(each, Peer) and each.needs_redis for each in chosen)
    with fresh_database() as database, redis() if needs_redis else nullcontext() as broker:

        async def on_loopback() -> None:
            async with receiving() as receiver:
                ground = Ground(database, receiver, broker, arguments.concurrency, LOGS)
                await measure(ground, chosen, results, arguments)

        asyncio.run(on_loopback())
    return results


def _write(results: Results) -> None:
    """Write the tables and the figures, and draw the chart where the environment is that has what it takes."""
    engine_report.write(results, OUTPUT)
    if PEERS_PYTHON.exists():
        script = Path(__file__).with_name("chart.py")
        subprocess.run([PEERS_PYTHON, script, "engines", OUTPUT / "engine.json", OUTPUT / "engine.png"], check=True)


def _read(arguments: list[str]) -> argparse.Namespace:
    names = [each.name for each in contenders()]
    parser = argparse.ArgumentParser(prog="make bench-engine", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn (5)")
    parser.add_argument("--executions", type=int, default=300, help="jobs of a backlog (300)")
    parser.add_argument("--samples", type=int, default=100, help="jobs whose latency is measured, idle (100)")
    parser.add_argument("--rate", type=float, default=200, help="jobs a second that come at a pace (200)")
    parser.add_argument("--seconds", type=float, default=10, help="how long they come (10)")
    parser.add_argument("--concurrency", type=int, default=20, help="jobs at a time of a worker (20)")
    parser.add_argument(
        "--targets", nargs="+", choices=names, metavar="NAME", help=f"measure these alone: {', '.join(names)}"
    )
    return parser.parse_args(arguments)


def main() -> int:
    """Measure what the arguments ask for, print the tables, and write everything to ``dist/bench``."""
    arguments = _read(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nobody stays behind, and nobody frozen
    made = "engine.md, engine.json, engine.png and the workers' logs"
    return frame.conclude(lambda: run(arguments), _write, made=made)


if __name__ == "__main__":
    sys.exit(main())
