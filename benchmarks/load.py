"""Load: wrk on a server, with requests drawn at random from a file, and pgbench on the database itself."""

import importlib.util
import json
import random
import re
import resource
import shutil
import subprocess
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from automation.storage.embedded.programs import INSTALLATION, PACKAGE
from benchmarks.database import BenchDatabase
from benchmarks.seed import TENANTS, identifier

CONNECTIONS = 16
CLIENTS = 8
"""Of pgbench."""

_SCRIPT = Path(__file__).with_name("load.lua")
_SQL = Path(__file__).parent / "targets" / "sql"
_PGBENCH = Path(__file__).parent / "pgbench"
_FAILURE = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")


class InvalidRun(Exception):
    """Something else than a good answer came, so the numbers mean nothing; the message says what."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some seconds of load: how many requests, in how many seconds, and latencies in milliseconds.

    ``cpu`` is what the generator itself took of the processor, in seconds: it shares the machine with what it loads.
    """

    requests: int
    seconds: float
    p50: float | None
    p99: float | None
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Keys:
    """Which keys of a tenant requests have: how many of them there are, and whether some are used more than others.

    By Zipf's law the second is used half as often as the first, the third a third as often, and so on.
    """

    number: int = 1
    zipf: bool = False

    def drawn(self) -> Callable[[int], int]:
        """Return what says, of each execution by its number, which of its tenant's keys asks for it."""
        if not self.zipf:
            return lambda execution: execution // TENANTS % self.number
        cumulative = list(accumulate(1 / (rank + 1) for rank in range(self.number)))
        draw = random.Random(self.number)  # noqa: S311 - a sample, no secret
        return lambda _: bisect(cumulative, draw.random() * cumulative[-1])


def write_requests(
    path: Path,
    numbers: Iterable[int],
    database: BenchDatabase,
    *,
    keys: Keys = Keys(),
    tags: Mapping[int, str] | None = None,
) -> None:
    """Write a file of requests, one a line: an execution's id, a key of its tenant, and an entity tag if it has one.

    Args:
        path: The file.
        numbers: The executions.
        database: Where they are.
        keys: Which keys are used.
        tags: The entity tag that each execution is known to have; None where requests have no precondition.
    """
    readers = database.keys.readers
    key = keys.drawn()
    lines = (
        f"{identifier(f'execution {number}')} {readers[number % TENANTS][key(number)]} {tags[number] if tags else ''}\n"
        for number in numbers
    )
    with path.open("w") as file:
        file.writelines(lines)


def over_http(port: int, requests: Path, seconds: int, *, connections: int = CONNECTIONS, seed: int = 1) -> Load:
    """Load a server on this machine.

    Args:
        port: Where it listens.
        requests: A file that ``write_requests`` wrote.
        seconds: How long.
        connections: How many requests there are at any time.
        seed: Which requests are drawn.

    Raises:
        InvalidRun: An answer was missing, or no success.
    """
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    command += ["--timeout=10s", f"--script={_SCRIPT}", f"http://127.0.0.1:{port}", "--", str(requests), str(seed)]
    before = _spent()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InvalidRun(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    said = json.loads(done.stdout.splitlines()[-1])
    if said["refused"] or said["broken"] or not said["requests"]:
        raise InvalidRun(
            f"of {said['requests']} requests, {said['refused']} were answered with an error and {said['broken']} not"
        )
    cpu = _spent() - before
    return Load(said["requests"], said["duration"] / 1e6, said["p50"] / 1000, said["p99"] / 1000, cpu)


def over_sql(database: BenchDatabase, script: str, seconds: int, *, secured: bool) -> Load:
    """Load the database with one prepared statement, from pgbench.

    Args:
        database: Which.
        script: The name of a script beside this module.
        seconds: How long.
        secured: As the service's own role.

    Raises:
        InvalidRun: A statement failed.
    """
    before = _spent()
    said = _pgbench(database, _statement(script), ["-T", str(seconds)], secured=secured)
    rate = _RATE.search(said)
    failures = _FAILURE.search(said)
    if rate is None or failures is None or failures[1] != "0":
        raise InvalidRun(f"pgbench: {said}")
    return Load(round(float(rate[1]) * seconds), seconds, None, None, _spent() - before)


def check_sql(database: BenchDatabase, script: str, *, secured: bool) -> None:
    r"""Have pgbench run a script some times, and fail where it finds no row: ``\gset`` wants exactly one.

    Raises:
        InvalidRun: It did not.
    """
    _pgbench(database, f"{_statement(script).rstrip()} \\gset\n", ["-t", "20"], secured=secured)


def _spent() -> float:
    """Return the processor's seconds of all generators so far; they are the only children that are waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def pgbench() -> Path | None:
    """Return the pgbench that comes with the embedded server, else the system's, if there is one."""
    package = importlib.util.find_spec(PACKAGE)
    places = package.submodule_search_locations if package else None
    beside = Path(places[0]) / INSTALLATION / "bin" / "pgbench" if places else None
    if beside is not None and beside.is_file():
        return beside
    system = shutil.which("pgbench")
    return Path(system) if system else None


def _pgbench(database: BenchDatabase, statement: str, extent: list[str], *, secured: bool) -> str:
    command = [str(pgbench()), "-M", "prepared", "-n", "-c", str(CLIENTS), "-j", "1", *extent, "-f", "/dev/stdin"]
    variables: Mapping[str, int] = {"executions": database.plan.executions, "tenants": TENANTS}
    command += [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
    environment = database.environment(secured=secured)
    done = subprocess.run(command, input=statement, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InvalidRun(f"pgbench failed: {done.stderr.strip()}")
    return done.stdout


def _statement(script: str) -> str:
    document = (_SQL / "document.sql").read_text()
    # pgbench would take what follows a colon for a variable, in quotes as well.
    document = document.replace("HH24:MI:SS", "HH24'||':'||'MI'||':'||'SS")
    return (_PGBENCH / f"{script}.sql").read_text().replace("<document>", document)
