"""``make bench-scale``: whether the service stays as it is with ever more executions, and after ever more requests."""

import argparse
import json
import random
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import lineup, lists, load
from benchmarks.database import DIRECTORY, BenchDatabase, seeded
from benchmarks.lists import PageLatency
from benchmarks.load import CONNECTIONS, InvalidRun
from benchmarks.machine import describe, warn_if_busy
from benchmarks.running import running
from benchmarks.seed import Plan
from benchmarks.tables import markdown
from benchmarks.usage import memory

OUTPUT = Path("dist/bench")
SIZES = (10_000, 1_000_000, 10_000_000)
PARTS = ("sizes", "lists", "memory")
SAMPLE = 200_000
"""How many different executions are asked for at the most."""

_BYTES = 1_500
"""What a small execution takes on the disk, with its indexes, its log entry and what is written while it is made."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds at one size of the database, in one round; ``connections`` requests at a time."""

    executions: int
    connections: int
    p50: float
    p99: float
    rate: float


@dataclass(frozen=True, slots=True)
class Occupied:
    """The bytes that a server process occupies after some requests."""

    requests: int
    bytes: int


def measure_sizes(arguments: argparse.Namespace) -> list[Latency]:
    """Return latencies at every size, the sizes in turn, with as many requests at a time as elsewhere and with one."""
    plans = {size: Plan(size, narrow=True) for size in arguments.sizes}
    _expect_space(max(plans))
    for size, plan in plans.items():
        with seeded(f"scale_{size}", plan):
            pass
    found = []
    with ExitStack() as stack:
        databases = [stack.enter_context(seeded(f"scale_{size}", plan)) for size, plan in plans.items()]
        for number in range(1, arguments.rounds + 1):
            print(f"round {number} of {arguments.rounds}", flush=True)
            for database in databases:
                found += _latencies(database, arguments.seconds, number)
    return found


def _expect_space(executions: int) -> None:
    """Raise where the disk won't do; the server's files may be elsewhere, but seldom on another one."""
    DIRECTORY.mkdir(exist_ok=True)
    free = shutil.disk_usage(DIRECTORY).free
    if free < executions * _BYTES:
        needed = executions * _BYTES / 2**30
        raise InvalidRun(f"{executions:,} executions need {needed:.0f} GiB on the disk; there are {free / 2**30:.0f}")


def _latencies(database: BenchDatabase, seconds: int, number: int) -> list[Latency]:
    size = database.plan.executions
    requests = _write_requests(database)
    found = []
    with running(lineup.service(1), database, _log()) as server:
        load.over_http(server.port, requests, max(seconds, 3), seed=number)
        for connections in (CONNECTIONS, 1):
            done = load.over_http(server.port, requests, seconds, connections=connections, seed=-number)
            if done.p50 is None or done.p99 is None:
                raise TypeError(done)
            found.append(Latency(size, connections, done.p50, done.p99, done.rate))
            print(
                f"  {size:,} executions, {connections} at a time: p50 {done.p50:.2f} ms, p99 {done.p99:.2f} ms",
                flush=True,
            )
    return found


def measure_memory(arguments: argparse.Namespace) -> list[Occupied]:
    """Return what one server process occupies: after the warm-up, and then again and again until it is enough."""
    with seeded("bench", Plan(200_000)) as database:
        requests = _write_requests(database)
        with running(lineup.service(1), database, _log()) as server:
            answered = 0
            found: list[Occupied] = []
            while answered < arguments.requests:
                seconds = 2 if answered < arguments.warm_up else 10
                answered += load.over_http(server.port, requests, seconds, seed=answered).requests
                if answered >= arguments.warm_up:
                    found.append(Occupied(answered, memory(server.pid)))
                    print(f"  {answered:,} requests: {found[-1].bytes / 2**20:.1f} MiB", flush=True)
    return found


def measure_lists(arguments: argparse.Namespace) -> list[PageLatency]:
    """Return the latencies of pages of executions at every size, one request at a time."""
    found: list[PageLatency] = []
    for size in arguments.sizes:
        _expect_space(size)
        with (
            seeded(f"scale_{size}", Plan(size, narrow=True)) as database,
            running(lineup.service(1), database, _log()) as server,
        ):
            for latency in lists.measure(database, server.port):
                found.append(latency)
                print(f"  {size:,} executions, {latency.page}: p50 {latency.p50:.2f} ms", flush=True)
    return found


def _write_requests(database: BenchDatabase) -> Path:
    size = database.plan.executions
    draw = random.Random(size)  # noqa: S311 - a sample, no secret
    path = OUTPUT / f"requests-{database.name}.txt"
    load.write_requests(path, draw.sample(range(size), min(size, SAMPLE)), database)
    return path


def _log() -> Path:
    return OUTPUT / "logs" / "scale.log"


def sizes_table(found: Sequence[Latency]) -> str:
    """Return medians for every size, and how the largest one's p50 compares with the smallest one's."""
    sizes = sorted({each.executions for each in found})
    header = ["executions"]
    for connections in (CONNECTIONS, 1):
        header += [f"p50 ms, {connections} at a time", "p99 ms", "requests/s"]
    rows = [[f"{size:,}", *_cells(found, size)] for size in sizes]
    together, alone = _growth(found, CONNECTIONS), _growth(found, 1)
    growth = (
        f"p50 at {sizes[-1]:,} executions is {together:.2f} times that at {sizes[0]:,} ({alone:.2f} times with one "
        "request at a time), the median of what the rounds have each for itself; the goal is 1.2 at the most."
    )
    return f"{markdown(header, rows)}\n\n{growth}"


def _growth(found: Sequence[Latency], connections: int) -> float:
    """Return the largest size's p50 as a multiple of the smallest one's: the median of the rounds."""
    chosen = sorted((each for each in found if each.connections == connections), key=lambda each: each.executions)
    rounds = len(chosen) // len({each.executions for each in chosen})
    pairs = zip(chosen[:rounds], chosen[-rounds:], strict=True)
    return statistics.median(large.p50 / small.p50 for small, large in pairs)


def _cells(found: Sequence[Latency], size: int) -> list[str]:
    cells = []
    for connections in (CONNECTIONS, 1):
        forms = {"p50": "{:.2f}", "p99": "{:.2f}", "rate": "{:,.0f}"}
        cells += [form.format(_median(found, size, connections, column)) for column, form in forms.items()]
    return cells


def _median(found: Sequence[Latency], size: int, connections: int, column: str) -> float:
    chosen = [each for each in found if (each.executions, each.connections) == (size, connections)]
    return float(statistics.median(getattr(each, column) for each in chosen))


def memory_table(found: Sequence[Occupied]) -> str:
    """Return the first, the last, and the highest, and by how much the last is above the first."""
    first, last = found[0], found[-1]
    highest = max(found, key=lambda each: each.bytes)
    rows = [(f"{each.requests:,}", f"{each.bytes / 2**20:.1f}") for each in (first, highest, last)]
    growth = (last.bytes / first.bytes - 1) * 100
    table = markdown(("requests answered", "MiB resident"), list(dict.fromkeys(rows)))
    return f"{table}\n\nGrowth after the warm-up: {growth:.1f} %; the goal is 5 % at the most."


def _report(
    machine: Mapping[str, str],
    latencies: Sequence[Latency],
    pages: Sequence[PageLatency],
    occupied: Sequence[Occupied],
) -> str:
    """Write ``scale.json`` and ``scale.md``, and return the latter."""
    measured: dict[str, Any] = {
        "machine": machine,
        "latencies": [asdict(each) for each in latencies],
        "pages": [asdict(each) for each in pages],
        "memory": [asdict(each) for each in occupied],
    }
    (OUTPUT / "scale.json").write_text(json.dumps(measured, indent=2) + "\n")
    parts = [", ".join(f"{name}: {value}" for name, value in machine.items()) + "."]
    parts += [sizes_table(latencies)] if latencies else []
    parts += [lists.table(pages)] if pages else []
    parts += [memory_table(occupied)] if occupied else []
    text = "\n\n".join(parts) + "\n"
    (OUTPUT / "scale.md").write_text(text)
    return text


def main() -> int:
    """Measure the parts that are asked for, print the tables, and write them to ``dist/bench``."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (all)")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="numbers of executions (10k, 1M, 10M)")
    parser.add_argument("--rounds", type=int, default=3, help="how often every size is measured (3)")
    parser.add_argument("--seconds", type=int, default=5, help="how many seconds each time (5)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="after which memory is looked at (1 million)")
    parser.add_argument("--warm-up", type=int, default=50_000, help="after which memory is first looked at (50,000)")
    arguments = parser.parse_args()
    (OUTPUT / "logs").mkdir(parents=True, exist_ok=True)
    warn_if_busy()
    machine = describe()
    try:
        latencies = measure_sizes(arguments) if "sizes" in arguments.parts else []
        pages = measure_lists(arguments) if "lists" in arguments.parts else []
        occupied = measure_memory(arguments) if "memory" in arguments.parts else []
    except InvalidRun as error:
        print(f"Invalid: {error}", file=sys.stderr)
        return 1
    print(f"\n{_report(machine, latencies, pages, occupied)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
