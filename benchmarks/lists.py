"""Pages of executions at every size of the database: the first, the thousandth, and the first of each filter."""

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
DEPTH = 1_000
"""How many pages of one execution lie before the one that is called the thousandth."""
ROUNDS = 60
WARM_UP = 10

FILTERS: Mapping[str, Mapping[str, str]] = {
    "first page": {},
    "status": {"status": "failed"},
    "automation_rule_id": {"automation_rule_id": str(identifier(f"rule {TENANTS * (RULES - 1)}"))},
    "rule and status": {
        "automation_rule_id": str(identifier(f"rule {TENANTS * (RULES - 1)}")),
        "status": "completed",
    },
    "trigger_type": {"trigger_type": "manual"},
    "created_from": {"created_from": "2020-01-01T00:00:00Z"},
    "started_from": {"started_from": "2020-01-01T00:00:00Z"},
    "completed_from": {"completed_from": "2020-01-01T00:00:00Z"},
    "duration_min_ms": {"duration_min_ms": "1"},
    "error_contains, nothing found": {"error_contains": "no such error"},
    "attempt_min, nothing found": {"attempt_min": "1000"},
    "with a total": {"include_total": "true"},
}
"""What is asked for, by its name: the worst of the filters find nothing, and use a page's budget up."""


@dataclass(frozen=True, slots=True)
class PageLatency:
    """Milliseconds of one kind of page at one size of the database, one request at a time."""

    executions: int
    page: str
    p50: float
    p99: float


def measure(database: BenchDatabase, port: int) -> Iterator[PageLatency]:
    """Yield the latencies of every kind of page, as one tenant asks for them."""
    size = database.plan.executions
    headers = {"x-api-key": database.keys.readers[0][0]}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for name, query in FILTERS.items():
        yield _latency(connection, headers, size, name, f"{PATH}?{urlencode(query)}")
    deep = _deep(connection, headers)
    if deep is not None:
        yield _latency(connection, headers, size, "page 1,000", deep)


def _deep(connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> str | None:
    """Return the address of a page that many lie before; None where there aren't as many."""
    address: str | None = f"{PATH}?limit=1"
    for _ in range(DEPTH - 1):
        if address is None:
            return None
        links = _ask(connection, headers, address)["_links"]
        address = links.get("next", {}).get("href")
    return None if address is None else address.replace("limit=1&", "limit=25&")


def _latency(
    connection: http.client.HTTPConnection, headers: Mapping[str, str], size: int, name: str, address: str
) -> PageLatency:
    taken = []
    for number in range(WARM_UP + ROUNDS):
        began = time.perf_counter()
        _ask(connection, headers, address)
        if number >= WARM_UP:
            taken.append((time.perf_counter() - began) * 1000)
    return PageLatency(size, name, statistics.median(taken), statistics.quantiles(taken, n=100)[-1])


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
