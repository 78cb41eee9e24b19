"""Measures what reads notice while a worker removes executions that are over: ``make bench-retention``.

Of the seeded executions four fifths are over, of eight tenants in ten. Some clients read those of the two others, while
the worker removes without anything else to do and alone, in turn until all is gone. All of it shares this machine.
"""

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from automation.domain.retention import Kept
from automation.storage.accounts.pruning import Pruning
from benchmarks import lineup, load
from benchmarks.database import BenchDatabase, seeded
from benchmarks.engine import process
from benchmarks.load import InvalidRun, Load
from benchmarks.machine import describe, warn_if_busy
from benchmarks.running import running
from benchmarks.seed import TENANTS, Plan, identifier
from benchmarks.tables import markdown

OUTPUT = Path("dist/bench")
CLIENTS = 4
READ = (0, TENANTS - 1)
"""The tenants whose executions stay, and are read."""

_LEFT = "SELECT count(*) FROM automation_executions WHERE tenant <> ALL (%s)"
# The seeded rows are no longer the plan's: the next run makes them anew.
_SPOIL = "DELETE FROM bench.seeds"


def measure(executions: int, seconds: int, rest: int) -> tuple[list[Load], list[Load], int, float]:
    """Return the loads alone and beside the worker, how many executions it removed, and in how many seconds."""
    staying = [identifier(f"tenant {number}") for number in READ]
    with seeded("retention", Plan(executions, narrow=True)) as database:
        worker = {"AUTOMATION_WORKER_URL": _worker(database), "AUTOMATION_LOG_LEVEL": "warning"}
        requests = OUTPUT / "requests-retention.txt"
        numbers = [number for number in range(min(executions, 200_000)) if number % TENANTS in READ]
        load.write_requests(requests, numbers, database)
        with (
            database.connect() as connection,
            running(lineup.service(1), database, OUTPUT / "logs" / "retention.log") as server,
        ):
            read = partial(load.over_http, server.port, requests, connections=CLIENTS)
            read(rest)
            before = left = _count(connection.execute(_LEFT, [staying]).fetchone())
            connection.execute(_SPOIL)
            _let_go(database)
            alone: list[Load] = []
            beside: list[Load] = []
            took = 0.0
            while left:
                with process(["worker"], worker):
                    while _count(connection.execute(_LEFT, [staying]).fetchone()) == left:
                        time.sleep(0.05)
                    began = time.perf_counter()
                    beside.append(read(seconds, seed=len(beside)))
                took += time.perf_counter() - began
                left = _count(connection.execute(_LEFT, [staying]).fetchone())
                alone.append(read(rest, seed=-len(beside)))
            return alone, beside, before, took


def _let_go(database: BenchDatabase) -> None:
    pruning = Pruning(_of(database, database.urls.owner))
    for number in range(TENANTS):
        if number not in READ:
            pruning.set_retention(identifier(f"tenant {number}"), {Kept.COMPLETED: 1, Kept.FAILED: 1})


def _worker(database: BenchDatabase) -> str:
    return _of(database, database.urls.worker)


def _of(database: BenchDatabase, url: str) -> str:
    return urlsplit(url)._replace(path=f"/{database.name}").geturl()


def _count(row: tuple[int, ...] | None) -> int:
    return 0 if row is None else row[0]


def report(alone: list[Load], beside: list[Load], removed: int, seconds: float) -> str:
    """Return a table of medians, and how fast executions went."""
    rows = [
        (name, str(len(loads)), *(f"{_median(loads, which):.2f}" for which in ("p50", "p99", "rate")))
        for name, loads in (("alone", alone), ("beside the worker", beside))
    ]
    table = markdown(("reads", "runs", "p50 ms", "p99 ms", "requests/s"), rows)
    ratio = _median(beside, "p99") / _median(alone, "p99")
    went = f"{removed:,} executions were removed in {seconds:.0f} s, {removed / seconds:,.0f} a second"
    return f"{table}\n\np99 beside is {ratio:.2f} times that alone. {went}."


def _median(loads: list[Load], which: str) -> float:
    return float(statistics.median(getattr(each, which) for each in loads))


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executions", type=int, default=1_250_000, help="of which four fifths are removed (1.25M)")
    parser.add_argument("--seconds", type=int, default=30, help="how long each load beside the worker lasts (30)")
    parser.add_argument("--rest", type=int, default=5, help="how long each load alone lasts between them (5)")
    arguments = parser.parse_args()
    warn_if_busy()
    (OUTPUT / "logs").mkdir(parents=True, exist_ok=True)
    try:
        found = measure(arguments.executions, arguments.seconds, arguments.rest)
    except InvalidRun as error:
        sys.exit(f"Invalid: {error}")
    print(", ".join(f"{name}: {value}" for name, value in describe().items()))
    print(report(*found))


if __name__ == "__main__":
    main()
