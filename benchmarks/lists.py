"""Pages of executions at every size of the database: the first, the thousandth, and the first of each filter.

Beside them the statistics of a rule, which are answered from what workers have counted.
"""

import http.client
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.database import BenchDatabase
from benchmarks.load import InvalidRun
from benchmarks.seed import RULES, TENANTS, identifier
from benchmarks.tables import markdown

PATH = "/api/v1/automation/executions"
DEEP = 1_000
"""Which page is asked for as a deep one; the last one of a tenant that has not so many."""
ROUNDS = 60
WARM_UP = 10

FILTERS: Mapping[str, Mapping[str, str | list[str]]] = {
    "first page": {},
    "status": {"status": "failed"},
    "automation_rule_id": {"automation_rule_id": str(identifier(f"rule {TENANTS * (RULES - 1)}"))},
    "rule and status": {
        "automation_rule_id": str(identifier(f"rule {TENANTS * (RULES - 1)}")),
        "status": "completed",
    },
    "trigger_type": {"trigger_type": "manual"},
    "created_from": {"created_from": "2020-01-01T00:00:00Z"},
    "created_to": {"created_to": "2999-01-01T00:00:00Z"},
    "started_from": {"started_from": "2020-01-01T00:00:00Z"},
    "started_to": {"started_to": "2999-01-01T00:00:00Z"},
    "completed_from": {"completed_from": "2020-01-01T00:00:00Z"},
    "completed_to": {"completed_to": "2999-01-01T00:00:00Z"},
    "duration_min_ms": {"duration_min_ms": "1"},
    "duration_max_ms": {"duration_max_ms": "86400000"},
    "error_contains, nothing found": {"error_contains": "no such error"},
    "attempt_min, nothing found": {"attempt_min": "1000"},
    "label, all have it": {"label": "env:prod"},
    "label, one has it": {"label": "order:1000"},
    "two labels": {"label": ["env:prod", "order:1000"]},
    "label, nothing of this status": {"label": "env:prod", "status": "timeout"},
    "with a total": {"include_total": "true"},
}
"""What is asked for, by its name: the worst of the filters find nothing, and use a page's budget up."""


STATISTICS: Mapping[str, Mapping[str, str]] = {
    "statistics, a day by the hour": {"to": "2026-01-02T00:00:00Z", "bucket": "hour"},
    "statistics, 30 days by the day": {"to": "2026-01-31T00:00:00Z", "bucket": "day"},
}
"""What is asked about one rule's runs, from when the first was made; where there are less, a part is all there is."""


@dataclass(frozen=True, slots=True)
class PageLatency:
    """Milliseconds of one kind of page at one size of the database, one request at a time."""

    executions: int
    page: str
    p50: float
    p99: float


def measure(database: BenchDatabase, port: int) -> Iterator[PageLatency]:
    """Yield the latencies of every kind of page, as one tenant asks for them: one of each kind after the other.

    So whatever else the machine does meanwhile, and what is warm by then, is the same for all of them.
    """
    headers = {"x-api-key": database.keys.readers[0][0]}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    addresses = {name: f"{PATH}?{urlencode(query, doseq=True)}" for name, query in FILTERS.items()}
    addresses[f"page {DEEP:,}, or the last"] = _deep(connection, headers)
    about = f"/api/v1/automation/rules/{identifier('rule 0')}/statistics?from=2026-01-01T00%3A00%3A00Z"
    addresses |= {name: f"{about}&{urlencode(query)}" for name, query in STATISTICS.items()}
    taken: dict[str, list[float]] = {name: [] for name in addresses}
    for number in range(WARM_UP + ROUNDS):
        for name, address in addresses.items():
            began = time.perf_counter()
            _ask(connection, headers, address)
            if number >= WARM_UP:
                taken[name].append((time.perf_counter() - began) * 1000)
    for name, each in taken.items():
        p99 = statistics.quantiles(each, n=100)[-1]
        yield PageLatency(database.plan.executions, name, statistics.median(each), p99)


def _deep(connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> str:
    """Return the address of a page that many lie before."""
    address = PATH
    for _ in range(DEEP - 1):
        following = _ask(connection, headers, address)["_links"].get("next")
        if following is None:
            return address
        address = following["href"]
    return address


def _ask(
    connection: http.client.HTTPConnection, headers: Mapping[str, str], address: str
) -> dict[str, dict[str, dict[str, str]]]:
    connection.request("GET", address, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise InvalidRun(f"{address} was answered {answer.status}")
    document: dict[str, dict[str, dict[str, str]]] = json.loads(body)
    return document


def table(found: Sequence[PageLatency]) -> str:
    """Return p50 and p99 of every kind of page, the sizes side by side."""
    sizes = sorted({each.executions for each in found})
    header = ["page", *(f"{name} ms, {size:,}" for size in sizes for name in ("p50", "p99"))]
    by_place = {(each.page, each.executions): each for each in found}
    rows = []
    for page in dict.fromkeys(each.page for each in found):
        cells = [by_place.get((page, size)) for size in sizes]
        rows.append([page, *(text for each in cells for text in _texts(each))])
    return markdown(header, rows)


def _texts(latency: PageLatency | None) -> tuple[str, str]:
    return ("", "") if latency is None else (f"{latency.p50:.2f}", f"{latency.p99:.2f}")
