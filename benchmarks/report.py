"""The report: a table for people, JSON for programs, and the figures that the chart is drawn from."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.frame import facts, left_out
from benchmarks.lineup import Target
from benchmarks.load import Load
from benchmarks.seed import TENANTS
from benchmarks.tables import markdown, middle_half, number


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

    @property
    def cost(self) -> float | None:
        """The processor's seconds per 1,000 requests of the target and the database together."""
        return None if self.cpu is None else self.cpu + self.database_cpu


@dataclass(frozen=True, slots=True)
class Goal:
    """What a quotient of two targets' figures is to reach.

    Args:
        title: What it is called.
        target: The target whose figure is divided.
        base: By whose, of the same round.
        bound: What the quotient is to be at least, or at the most where less is better; None where it is told alone.
        figure: Of a measurement; requests a second when left out.
        base_figure: Of the other; the same when left out.
        most: Whether less is better.
    """

    title: str
    target: str
    base: str
    bound: float | None
    figure: str = "rate"
    base_figure: str = ""
    most: bool = False

    def quotient(self, one: Measurement, other: Measurement) -> float | None:
        """Return the quotient of one round, None where something wasn't measured."""
        figures = getattr(one, self.figure), getattr(other, self.base_figure or self.figure)
        return None if None in figures else figures[0] / figures[1]

    def verdict(self, reached: float) -> str:
        """Return whether it is met, nothing where there is no goal."""
        if self.bound is None:
            return ""
        return "met" if (reached <= self.bound if self.most else reached >= self.bound) else "missed"

    def __str__(self) -> str:
        return "" if self.bound is None else f"{'≤' if self.most else '≥'} {self.bound:g} ×"


def goals(keys: int, *, zipf: bool) -> Sequence[Goal]:
    """Return what is to be reached with so many keys of each tenant, the peers first."""
    floor, litestar, fastify = (None, None, 1.0) if zipf else (1.35, 2.0, 1.4) if keys == 1 else (1.2, 1.8, 1.2)
    return (
        Goal("the service against the floor", "service", "floor", floor),
        Goal("against Litestar, msgspec, asyncpg", "service", "litestar", litestar),
        Goal("against Fastify with response validation", "service", "fastify", fastify),
        Goal("against FastAPI, Pydantic, SQLAlchemy", "service", "fastapi-sqlalchemy", 8.0 if keys == 1 else None),
        Goal("against stock Connexion", "service", "connexion", 12.0 if keys == 1 else None),
        Goal("CPU of service and database against Fastify's", "service", "fastify", 0.6, "cost", most=True),
        Goal("what has not changed (304) against the whole answer", "service-304", "service", 1.3),
        Goal("p99 against p50", "service", "service", 2.5, "p99", "p50", most=True),
        Goal("p99 against p50, many connections", "service-many", "service-many", 3.0, "p99", "p50", most=True),
        Goal("two processes against one", "service-2", "service", None),
        Goal("two processes against what the database can do", "service-2", "pgbench-secured", None),
    )


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
        self._goals = goals(options["keys"], zipf=options["zipf"])

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
                    "of_service": self._rate_of_service(name),
                    "rounds": [asdict(each) for each in rounds],
                }
                for name, rounds in self._rounds.items()
            ],
            "goals": [
                {"title": goal.title, "goal": str(goal), "reached": statistics.median(quotients)}
                for goal in self._goals
                if (quotients := self._quotients(goal))
            ],
        }

    def _rate_of_service(self, name: str) -> float | None:
        """Return how many times as fast the service is as a target: the median of the rounds, each a quotient."""
        quotients = self._quotients(Goal("", "service", name, None))
        return statistics.median(quotients) if quotients else None

    def _quotients(self, goal: Goal) -> list[float]:
        pairs = zip(self._rounds.get(goal.target, ()), self._rounds.get(goal.base, ()), strict=False)
        return [quotient for one, other in pairs if (quotient := goal.quotient(one, other)) is not None]

    def as_markdown(self) -> str:
        """Return the tables, ready for a page."""
        return "\n\n".join([self._facts(), self._table(), self._goals_reached()]) + "\n"

    def _facts(self) -> str:
        options = self._options
        rounds = f"{options['rounds']} rounds of {options['seconds']:g} s"
        drawn = " by Zipf's law" if options["zipf"] else ""
        extent = f"{options['executions']:,} executions, {options['keys'] * TENANTS:,} keys{drawn}"
        told = f"{facts(self._machine)}. Medians of {rounds}, {extent}."
        return "\n\n".join([told, *left_out(self._skipped)])

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
            number(self._rate_of_service(name), "{:.2f} ×"),
        )

    def _goals_reached(self) -> str:
        rows = [_row_of(goal, quotients) for goal in self._goals if (quotients := self._quotients(goal))]
        return markdown(("", "goal", "reached", "half of the rounds", ""), rows)

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
    return (goal.title, str(goal), *_middle_and_half(quotients), goal.verdict(statistics.median(quotients)))


def _middle_and_half(factors: Sequence[float]) -> tuple[str, str]:
    """Return the median, and between what the middle half of the rounds is."""
    return f"{statistics.median(factors):.2f} ×", middle_half(factors, "{:.2f}")
