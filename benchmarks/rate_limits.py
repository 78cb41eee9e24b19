"""Measures what rate limits cost the hot read: ``make bench-limits``.

The service as it ships and the same service with no limit on requests stand in one process, and take turns at reading
one execution. The process's own time counts, all threads together and without sockets, whose cost would only make the
share smaller; the database's time doesn't. The service against itself says how far such a quotient strays by chance.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

from pydantic import SecretStr

from automation.domain.allowance import Allowance
from automation.service import application, logs
from automation.service.setting_types import LogFormat, LogLevel
from automation.service.settings import Settings
from automation.storage.keys import KeyRecord
from benchmarks import seed
from benchmarks.cost import App, no_body, request_scope, served
from benchmarks.database import seeded
from benchmarks.machine import describe, warn_if_busy
from benchmarks.seed import Plan
from benchmarks.tables import markdown
from security.rate_limits import RateLimits

REQUESTS = 300
"""How many requests a turn has."""
WARM_UP = 2_000


class _NoLimits(RateLimits):
    """Counts nobody's requests."""

    def allowances(self, record: KeyRecord) -> tuple[Allowance, ...]:
        return ()


async def measure(url: str, path: str, key: str, turns: int) -> dict[str, list[float]]:
    """Return the seconds of each turn: with limits, without, and with them once more."""
    settings = Settings(database_url=SecretStr(url))
    with mock.patch.object(application, "RateLimits", _NoLimits):
        unlimited: App = application.create(settings)
    limited, same = application.create(settings), application.create(settings)
    taken: dict[str, list[float]] = {"with limits": [], "without": [], "with limits, once more": []}
    apps = dict(zip(taken, (limited, unlimited, same), strict=True))
    async with served(limited), served(unlimited), served(same):
        for app in apps.values():
            await _seconds(app, path, key, WARM_UP)
        for turn in range(turns):
            # Each is first as often as it is last.
            for name in list(apps) if turn % 2 else reversed(apps):
                taken[name].append(await _seconds(apps[name], path, key, REQUESTS))
    return taken


async def _seconds(app: App, path: str, key: str, requests: int) -> float:
    """Return the process's time for some requests, one after the other."""
    statuses: list[int | None] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    began = time.process_time()
    for _ in range(requests):
        await app(request_scope(path, key), no_body, send)
    took = time.process_time() - began
    if statuses != [200] * requests:
        raise SystemExit(f"not all requests were answered with 200: {set(statuses)}")
    return took


def table(taken: dict[str, list[float]]) -> str:
    """Return each one's median, and its quotient by that without limits with the middle half of the turns."""
    rows = []
    for name, reference in (("with limits", "without"), ("with limits, once more", "with limits")):
        quotients = [one / other for one, other in zip(taken[name], taken[reference], strict=True)]
        low, middle, high = statistics.quantiles(quotients, n=4)
        micros = statistics.median(taken[name]) / REQUESTS * 1e6
        rows.append((f"{name} : {reference}", f"{micros:.0f}", f"{middle:.3f}", f"{low:.3f} to {high:.3f}"))
    return markdown(("process", "µs a request", "quotient", "half of the turns"), rows)


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="make bench-limits", description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=100, help="how often each has its turn (100)")
    arguments = parser.parse_args()
    warn_if_busy()
    machine = describe()
    with seeded("limits", Plan(10_000)) as database, Path(os.devnull).open("w") as nowhere:
        logs.configure(LogFormat.JSON, LogLevel.INFO, nowhere)
        path = f"/api/v1/automation/executions/{seed.identifier('execution 0')}"
        taken = asyncio.run(measure(database.api, path, database.keys.readers[0][0], arguments.turns))
    print(", ".join(f"{name}: {value}" for name, value in machine.items()) + ".\n")
    print(table(taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
