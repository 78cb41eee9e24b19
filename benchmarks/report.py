"""The report: a table for people, JSON for programs, and the figures that the chart is drawn from."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.lineup import Target
from benchmarks.load import Load
from benchmarks.seed import TENANTS
from benchmarks.tables import markdown, number


@dataclass(frozen=True, slots=True)
class Measurement:
    """One target in one round: requests a second, milliseconds, and the processor's seconds per 1,000 requests.

    ``busy`` is how many cores the target, the database and the load generator occupied together.
    """

    rate: float
    p50: float | None
    p99: float | None
    cpu: float | None
    database_cpu: float
    generator_cpu: float
    busy: float

    @classmethod
    def of(cls, done: Load, *, cpu: float | None, database_cpu: float) -> Self:
        """Return what some load amounts to, given the processor's seconds that it took."""
        thousands = done.requests / 1000
        spent = (cpu or 0.0) + database_cpu + done.cpu
        return cls(
            rate=done.rate,
            p50=done.p50,
            p99=done.p99,
            cpu=None if cpu is None else cpu / thousands,
            database_cpu=database_cpu / thousands,
            generator_cpu=done.cpu / thousands,
            busy=spent / done.seconds,
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """What a quotient of two targets' rates is to reach."""

    title: str
    target: str
    base: str
    at_least: float | None


GOALS = (
    Goal("the service against the floor", "service", "floor", 0.9),
    Goal("against Litestar, msgspec, asyncpg", "service", "litestar", 1.5),
    Goal("against FastAPI, Pydantic, SQLAlchemy", "service", "fastapi-sqlalchemy", 5.0),
    Goal("against stock Connexion", "service", "connexion", 9.0),
    Goal("against Fastify with response validation, as near 1 × as it goes", "service", "fastify", None),
    Goal("two processes against one", "service-2", "service", None),
    Goal("two processes against what the database can do", "service-2", "pgbench-secured", None),
)
P99_OF_P50 = 3.0


class Results:
    """The measurements of all targets, round by round.

    Args:
        machine: What they were made on.
        options: What was asked for.
        skipped: Why a target was left out, by its title.
    """

    def __init__(self, machine: Mapping[str, str], options: Mapping[str, Any], skipped: Mapping[str, str]) -> None:
        self._machine = machine
        self._options = options
        self._skipped = skipped
        self._titles: dict[str, str] = {}
        self._rounds: dict[str, list[Measurement]] = {}

    def add(self, target: Target, measured: Measurement) -> None:
        """Add a target's measurement of the next round."""
        self._titles[target.name] = target.title
        self._rounds.setdefault(target.name, []).append(measured)

    def as_json(self) -> dict[str, Any]:
        """Return everything."""
        return {
            "machine": self._machine,
            "options": self._options,
            "skipped": self._skipped,
            "targets": [
                {
                    "name": name,
                    "title": self._titles[name],
                    "median": asdict(self._median(name)),
                    "of_service": self.quotient("service", name),
                    "rounds": [asdict(each) for each in rounds],
                }
                for name, rounds in self._rounds.items()
            ],
            "goals": [
                {"title": goal.title, "at_least": goal.at_least, "reached": self.quotient(goal.target, goal.base)}
                for goal in GOALS
            ],
            "p99_of_p50": statistics.median(factors) if (factors := self._p99s_of_p50s()) else None,
        }

    def quotient(self, name: str, base: str) -> float | None:
        """Return how many times as fast a target is as another: the median of the rounds, each of which compares."""
        quotients = self._quotients(name, base)
        return statistics.median(quotients) if quotients else None

    def _quotients(self, name: str, base: str) -> list[float]:
        if name not in self._rounds or base not in self._rounds:
            return []
        pairs = zip(self._rounds[name], self._rounds[base], strict=True)
        return [one.rate / other.rate for one, other in pairs]

    def as_markdown(self) -> str:
        """Return the tables, ready for a page."""
        return "\n\n".join([self._facts(), self._table(), self._goals()]) + "\n"

    def _facts(self) -> str:
        facts = ", ".join(f"{name}: {value}" for name, value in self._machine.items())
        options = self._options
        rounds = f"{options['rounds']} rounds of {options['seconds']:g} s"
        missing = [f"Not measured: {title}, because {reason}." for title, reason in self._skipped.items()]
        extent = f"{options['executions']:,} executions, {options['keys'] * TENANTS:,} keys"
        return "\n\n".join([f"{facts}. Medians of {rounds}, {extent}.", *missing])

    def _table(self) -> str:
        header = (
            "",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "CPU s per 1,000",
            "the database's",
            "the load's",
            "cores busy",
            "the service is",
        )
        return markdown(header, [self._row(name) for name in self._rounds])

    def _row(self, name: str) -> Sequence[str]:
        median = self._median(name)
        return (
            self._titles[name],
            f"{median.rate:,.0f}",
            number(median.p50, "{:.2f}"),
            number(median.p99, "{:.2f}"),
            number(median.cpu, "{:.3f}"),
            number(median.database_cpu, "{:.3f}"),
            number(median.generator_cpu, "{:.3f}"),
            number(median.busy, "{:.2f}"),
            number(self.quotient("service", name), "{:.2f} ×"),
        )

    def _goals(self) -> str:
        rows = [_row_of(goal, quotients) for goal in GOALS if (quotients := self._quotients(goal.target, goal.base))]
        if factors := self._p99s_of_p50s():
            verdict = "met" if statistics.median(factors) <= P99_OF_P50 else "missed"
            rows.append(("its p99 against its p50", f"≤ {P99_OF_P50:g} ×", *_middle_and_half(factors), verdict))
        return markdown(("", "goal", "reached", "half of the rounds", ""), rows)

    def _p99s_of_p50s(self) -> list[float]:
        return [each.p99 / each.p50 for each in self._rounds.get("service", []) if each.p50 and each.p99]

    def _median(self, name: str) -> Measurement:
        columns: dict[str, Any] = {}
        for field in Measurement.__dataclass_fields__:
            values = [value for each in self._rounds[name] if (value := getattr(each, field)) is not None]
            columns[field] = statistics.median(values) if values else None
        return Measurement(**columns)


def write(results: Results, directory: Path) -> None:
    """Write ``bench.json`` and ``table.md``."""
    (directory / "bench.json").write_text(json.dumps(results.as_json(), indent=2) + "\n")
    (directory / "table.md").write_text(results.as_markdown())


def _row_of(goal: Goal, quotients: Sequence[float]) -> Sequence[str]:
    verdict = ""
    if goal.at_least is not None:
        verdict = "met" if statistics.median(quotients) >= goal.at_least else "missed"
    return (goal.title, number(goal.at_least, "≥ {:g} ×"), *_middle_and_half(quotients), verdict)


def _middle_and_half(factors: Sequence[float]) -> tuple[str, str]:
    """Return the median, and between what the middle half of the rounds is."""
    low, _, high = statistics.quantiles(factors, n=4, method="inclusive") if len(factors) > 1 else [factors[0]] * 3
    return f"{statistics.median(factors):.2f} ×", f"{low:.2f} to {high:.2f}"
