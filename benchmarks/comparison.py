"""``make bench``: the operation that is asked for most, measured on this service and on all it is compared with.

One run on one machine: every target is started fresh on the same database, its answers are checked, and it is warmed
up. Then the targets are loaded in turn for a second each, round after round, while the others idle: what slows the
machine for a while slows all of them, and a quotient compares what was measured within seconds.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import answers, frame, lineup, load, report
from benchmarks.database import BenchDatabase, seeded
from benchmarks.frame import LOGS, OUTPUT
from benchmarks.lineup import PEERS_PYTHON, Server, Statement, Target
from benchmarks.load import Keys
from benchmarks.machine import describe
from benchmarks.report import Measurement, Results
from benchmarks.running import Running, running
from benchmarks.seed import READERS, Plan
from benchmarks.usage import seconds_spent_since_now

CONDITIONAL = OUTPUT / "requests-conditional.txt"
TAGGED = 2_000
"""Executions that are asked for with the entity tag that they have."""
WARM = 5_000
"""Requests after which a server is warm."""
PATIENCE = 3
"""How many times the warm-up's seconds a slow server gets for them."""


class Comparison:
    """Starts, checks and measures targets on one database.

    Args:
        database: What they read.
        seconds: How long each is measured each time.
        warm_up: How many seconds of load come before, and up to three times as many for a slow server.
        keys: Which keys of each tenant are used.
    """

    def __init__(self, database: BenchDatabase, *, seconds: int, warm_up: int, keys: Keys) -> None:
        self._database = database
        self._seconds = seconds
        self._warm_up = warm_up
        self._keys = keys
        self._requests = OUTPUT / "requests.txt"
        self._servers: dict[str, Running] = {}
        self._measured = 0
        load.write_requests(self._requests, range(database.plan.executions), database, keys=keys)

    @contextmanager
    def ready(self, target: Target) -> Iterator[None]:
        """Start a target, check its answers and warm it up; a server runs until the end.

        Raises:
            InvalidRun: It doesn't answer right.
        """
        match target:
            case Server():
                with running(target, self._database, _log(target)) as server:
                    if target.checked:
                        answers.check(server.port, self._database, seed=0)
                    self._warm(server.port)
                    if target.conditional:
                        self._write_conditional(server.port)
                    self._servers[target.name] = server
                    yield
            case Statement():
                load.check_sql(self._database, target.script, secured=target.secured)
                yield

    def measure(self, target: Target) -> Measurement:
        """Load a target that is ready.

        Raises:
            InvalidRun: It gave another answer than it should.
        """
        self._measured += 1
        match target:
            case Server():
                return self._measure_server(target, self._servers[target.name])
            case Statement():
                return self._measure_statement(target)

    def _measure_server(self, target: Server, server: Running) -> Measurement:
        spent = seconds_spent_since_now(server.pid)
        spent_by_database = seconds_spent_since_now(self._database.postmaster)
        requests = CONDITIONAL if target.conditional else self._requests
        done = load.over_http(server.port, requests, self._seconds, connections=target.connections, seed=self._measured)
        return Measurement.of(done, cpu=spent(), database_cpu=spent_by_database())

    def _write_conditional(self, port: int) -> None:
        """Write requests that know what they ask for, of which each is answered 304."""
        numbers = range(min(TAGGED, self._database.plan.executions))
        tags = answers.tags(port, self._database, numbers)
        load.write_requests(CONDITIONAL, numbers, self._database, keys=self._keys, tags=tags)

    def _warm(self, port: int) -> None:
        """Load a server until its time is up and it has answered enough for a compiler that works while it runs."""
        answered = 0
        for part in range(PATIENCE):
            answered += load.over_http(port, self._requests, self._warm_up, seed=-part).requests
            if answered >= WARM:
                return

    def _measure_statement(self, target: Statement) -> Measurement:
        spent_by_database = seconds_spent_since_now(self._database.postmaster)
        done = load.over_sql(self._database, target.script, self._seconds, secured=target.secured)
        return Measurement.of(done, cpu=None, database_cpu=spent_by_database())


def _log(target: Target) -> Path:
    """Return the file that a target writes its lines to, as a service does in production."""
    return LOGS / f"{target.name}.log"


def run(arguments: argparse.Namespace) -> Results:
    """Check and measure, saying so line by line, and return what came of it.

    Raises:
        InvalidRun: A target answered wrongly.
    """
    chosen, skipped = frame.choose(lineup.targets(arguments.processes), arguments.targets)
    with seeded("bench", Plan(arguments.executions)) as database, ExitStack() as stack:
        results = Results(describe(), vars(arguments), skipped)
        keys = Keys(arguments.keys, zipf=arguments.zipf)
        comparison = Comparison(database, seconds=arguments.seconds, warm_up=arguments.warm_up, keys=keys)
        for target in chosen:
            with frame.named(target):
                stack.enter_context(comparison.ready(target))
            print(f"ready, and answers right: {target.title}", flush=True)
        for number in range(1, arguments.rounds + 1):
            print(f"round {number} of {arguments.rounds}", flush=True)
            for target in chosen:
                with frame.named(target):
                    measured = comparison.measure(target)
                results.add(target, measured)
                print(f"  {target.title}: {measured.rate:,.0f} requests/s", flush=True)
    return results


def _write(results: Results) -> None:
    """Write the tables and the figures, and draw the chart in the environment that has what it takes."""
    report.write(results, OUTPUT)
    script = Path(__file__).with_name("chart.py")
    subprocess.run([PEERS_PYTHON, script, "requests", OUTPUT / "bench.json", OUTPUT / "bench.png"], check=True)


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="how often every target is measured (20)")
    parser.add_argument("--seconds", type=int, default=1, help="how many seconds each time (1)")
    parser.add_argument("--warm-up", type=int, default=2, help="seconds of load before, thrice for a slow server (2)")
    parser.add_argument("--executions", type=int, default=200_000, help="how many the database holds (200,000)")
    parser.add_argument(
        "--keys",
        type=int,
        default=1,
        choices=range(1, READERS + 1),
        metavar="N",
        help=f"of each tenant, 1-{READERS:,} (1)",
    )
    parser.add_argument("--zipf", action="store_true", help="some keys are used more than others, by Zipf's law")
    parser.add_argument("--processes", type=int, default=2, help="of the service, measured beside one (2)")
    parser.add_argument("--targets", nargs="+", metavar="NAME", help=f"measure these alone: {', '.join(_names(2))}")
    read = parser.parse_args(arguments)
    if unknown := set(read.targets or ()) - set(_names(read.processes)):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    return read


def _names(processes: int) -> list[str]:
    return [target.name for target in lineup.targets(processes)]


def main() -> int:
    """Measure what the arguments ask for, print the tables, and write everything to ``dist/bench``."""
    arguments = _read(sys.argv[1:])
    return frame.conclude(lambda: run(arguments), _write, made="table.md, bench.json, bench.png and the logs")


if __name__ == "__main__":
    sys.exit(main())
