"""``make bench-clients``: what idle, slow, deaf and greedy clients cost the others, and the memory that they hold."""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from automation.service.settings import Settings
from benchmarks import lineup, load
from benchmarks.crowd import Crowd, present
from benchmarks.database import BenchDatabase, seeded
from benchmarks.load import InvalidRun, Load
from benchmarks.machine import describe, warn_if_busy
from benchmarks.running import Running, running
from benchmarks.seed import TENANTS, Plan, identifier, tenant_of
from benchmarks.tables import markdown
from benchmarks.usage import memory

OUTPUT = Path("dist/bench")
EXECUTIONS = 10_000
LARGE = 0
"""The number of the execution that is made as large as its results may be, of the first tenant."""

WRITE_TIMEOUT = 5.0
_DESCRIPTORS = 16_384
_SETTINGS = {
    "AUTOMATION_MAX_CONNECTIONS_PER_ADDRESS": str(_DESCRIPTORS),
    "AUTOMATION_WRITE_TIMEOUT": str(WRITE_TIMEOUT),
    "AUTOMATION_LOG_LEVEL": "warning",
}

_LARGEN = """
WITH filled AS (SELECT json_build_object('0', json_build_object('body', repeat('x', %(bytes)s)))::text AS results)
UPDATE automation_executions SET results = filled.results::json, results_bytes = octet_length(filled.results)
FROM filled WHERE tenant = %(tenant)s AND execution_id = %(execution)s
"""


def measure(arguments: argparse.Namespace) -> list[tuple[str, Load]]:
    """Return the latency of 16 normal clients: alone, beside a crowd, and beside readers of a large execution."""
    _raise_descriptors()
    with seeded("clients", Plan(EXECUTIONS)) as database:
        _make_large(database, arguments.result_bytes)
        others = _requests(database, "others", [number for number in range(EXECUTIONS) if number % TENANTS])
        large = _requests(database, "large", [LARGE])
        with _served(database) as server:
            load.over_http(server.port, others, 3)

            def normal() -> Load:
                return load.over_http(server.port, others, arguments.seconds)

            found = []
            for _ in range(arguments.rounds):
                found.append(("alone", normal()))
                with present(server.port, Crowd(idle=arguments.idle, slow=arguments.slow)):
                    found.append((f"beside {arguments.idle:,} idle and {arguments.slow:,} slow ones", normal()))
                found.append(
                    (
                        f"beside {arguments.readers} readers of {arguments.result_bytes / 2**20:.0f} MiB",
                        _beside(
                            normal,
                            lambda: load.over_http(
                                server.port, large, arguments.seconds, connections=arguments.readers
                            ),
                        ),
                    )
                )
            return found


def measure_memory(arguments: argparse.Namespace) -> list[tuple[str, int]]:
    """Return the bytes that a server occupies before, while and after clients ask for a large answer and never read."""
    with seeded("clients", Plan(EXECUTIONS)) as database:
        _make_large(database, arguments.result_bytes)
        key = database.keys.readers[0][0]
        path = f"/api/v1/automation/executions/{identifier(f'execution {LARGE}')}"
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: {key}\r\n\r\n".encode()
        crowd = Crowd(deaf=arguments.deaf, request=request, times=arguments.asked)
        with _served(database) as server:
            load.over_http(server.port, _requests(database, "large", [LARGE]), 3)
            found = [("before", memory(server.pid))]
            with present(server.port, crowd):
                seen = []
                began = time.monotonic()
                while time.monotonic() - began < WRITE_TIMEOUT * 2 + 3:
                    seen.append(memory(server.pid))
                    time.sleep(0.1)
            return [*found, ("most", max(seen)), ("after twice the write deadline", memory(server.pid))]


def _beside(normal: Callable[[], Load], other: Callable[[], Load]) -> Load:
    """Return what normal clients got while others were at it, who must be answered as well."""
    with ThreadPoolExecutor(1) as beside:
        running_too = beside.submit(other)
        found = normal()
        running_too.result()
    return found


@contextmanager
def _served(database: BenchDatabase) -> Iterator[Running]:
    log = OUTPUT / "logs" / "clients.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with running(lineup.service(1), database, log, settings=_SETTINGS) as server:
        yield server


def _make_large(database: BenchDatabase, size: int) -> None:
    named = {"bytes": size - 100, "tenant": tenant_of(LARGE), "execution": identifier(f"execution {LARGE}")}
    with database.connect() as admin:
        admin.execute(_LARGEN, named)


def _requests(database: BenchDatabase, name: str, numbers: list[int]) -> Path:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"requests-clients-{name}.txt"
    load.write_requests(path, numbers, database)
    return path


def _raise_descriptors() -> None:
    """Let this process and those that it starts have enough connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _DESCRIPTORS:
        raise InvalidRun(f"{_DESCRIPTORS:,} descriptors are needed, and the hard limit is {hard:,} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))


def _latencies(found: list[tuple[str, Load]]) -> str:
    rows = []
    for name in dict.fromkeys(name for name, _ in found):
        of_it = sorted((load for each, load in found if each == name), key=lambda load: load.p99 or 0)
        middle = of_it[len(of_it) // 2]
        rows.append([name, f"{middle.p50:.2f}", f"{middle.p99:.2f}", f"{middle.rate:,.0f}"])
    return markdown(["16 normal clients", "p50 ms", "p99 ms", "requests/s"], rows)


def main() -> int:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="make bench-clients", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the middle one is shown")
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--readers", type=int, default=16, help="of the large execution")
    parser.add_argument("--deaf", type=int, default=60, help="clients that never read")
    parser.add_argument("--asked", type=int, default=12, help="large answers that each of them asks for")
    limit = Settings.model_fields["max_result_bytes"].default
    parser.add_argument("--result-bytes", type=int, default=limit, help="how large the results of the execution are")
    arguments = parser.parse_args()
    warn_if_busy()
    try:
        machine = describe()
        found = measure(arguments)
        occupied = measure_memory(arguments)
    except InvalidRun as error:
        print(f"bench-clients: {error}", file=sys.stderr)
        return 1
    print(", ".join(f"{name}: {value}" for name, value in machine.items()))
    print(_latencies(found))
    print(markdown(["memory of the server", "MiB"], [[name, f"{size / 2**20:.0f}"] for name, size in occupied]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
