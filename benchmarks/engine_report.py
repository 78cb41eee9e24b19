"""The report on engines: tables for people, JSON for programs, and the figures that the chart is drawn from."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.frame import facts, left_out
from benchmarks.statement_log import Count
from benchmarks.tables import markdown, middle_half, number

OURS = "service-1"
AGAINST = (
    ("this engine, 1 worker, against Procrastinate's jobs that do nothing", "procrastinate-nothing", 1.2),
    ("this engine, 1 worker, against Celery", "celery", 1.5),
)
"""Whom one worker is to be so many times as fast as."""
IDLE = {"p50": 8, "p99": 15}
"""Milliseconds from a trigger to the first call, at the most, where nothing else runs."""
LOADED = 100
"""Milliseconds of the 99th percentile, at the most, while jobs come at a pace."""
COMMITS = 1.5
"""Commits of a worker for an execution of one action, at the most, under load."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An engine in one round: jobs a second, the processor's seconds per 1,000 of them, and milliseconds when idle."""

    rate: float
    cpu: float
    database_cpu: float
    latencies: Sequence[float]


@dataclass(frozen=True, slots=True)
class Paced:
    """Jobs that came at a pace: how many a second, whether they were done as fast, and milliseconds to their calls."""

    rate: float
    kept: bool
    latencies: Sequence[float]


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a figure is to keep, the figure, and what it is made of where rounds differ."""

    title: str
    bound: str
    reached: str
    met: bool
    half: str = ""
    remark: str = ""

    @property
    def verdict(self) -> str:
        """Whether it is met, and under which condition that isn't the asked one."""
        return f"{'met' if self.met else 'missed'}{self.remark}"


class Results:
    """The measurements of all engines.

    Args:
        machine: What they were made on.
        options: What was asked for.
        skipped: Why an engine was left out, by its title.
    """

    def __init__(self, machine: Mapping[str, str], options: Mapping[str, Any], skipped: Mapping[str, str]) -> None:
        self._machine = machine
        self._options = options
        self._skipped = skipped
        self._titles: dict[str, str] = {}
        self._turns: dict[str, list[Turn]] = {}
        self.paced: dict[str, Paced | None] = {}
        self.counts: dict[str, Count] = {}

    def add(self, contender: Contender, turn: Turn) -> None:
        """Add an engine's turn of the next round."""
        self._titles[contender.name] = contender.title
        self._turns.setdefault(contender.name, []).append(turn)

    def rate(self, name: str) -> float:
        """Return how many jobs of a backlog an engine does in a second, the median of the rounds."""
        return statistics.median(turn.rate for turn in self._turns[name])

    def goals(self) -> list[Goal]:
        """Return the goals that can be judged by what was measured."""
        return [*self._against(), *self._idle(), *self._under_load(), *self._commits()]

    def as_json(self) -> dict[str, Any]:
        """Return everything."""
        return {
            "machine": self._machine,
            "options": self._options,
            "skipped": self._skipped,
            "targets": [self._target(name) for name in self._turns],
            "goals": [
                {"title": each.title, "bound": each.bound, "reached": each.reached, "verdict": each.verdict}
                for each in self.goals()
            ],
        }

    def as_markdown(self) -> str:
        """Return the tables, ready for a page."""
        options = self._options
        rounds = f"{options['rounds']} round{'s' * (options['rounds'] > 1)}"
        extent = f"{rounds} of {options['executions']:,} jobs, {options['concurrency']} at a time"
        told = f"{facts(self._machine)}. Medians of {extent}."
        return "\n\n".join([told, *left_out(self._skipped), self._table(), *self._judged()]) + "\n"

    def _judged(self) -> list[str]:
        """Return the table of goals, where there are any."""
        header = ("", "goal", "reached", "half of the rounds", "")
        rows = [(each.title, each.bound, each.reached, each.half, each.verdict) for each in self.goals()]
        return [markdown(header, rows)] if rows else []

    def _table(self) -> str:
        header = (
            "",
            "jobs/s",
            "half of the rounds",
            "CPU s per 1,000",
            "the database's",
            "statements a job",
            "commits a job",
            "idle p50 ms",
            "p99 ms",
            "at a pace of",
            "p50 ms",
            "p99 ms",
        )
        return markdown(header, [self._row(self._target(name)) for name in self._turns])

    def _row(self, target: dict[str, Any]) -> Sequence[str]:
        idle, paced, median = target["idle"] or {}, target["paced"] or {}, target["median"]
        pace = f"{paced['rate']:.0f}/s{'' if paced['kept'] else ', not kept'}" if paced else ""
        return (
            target["title"],
            f"{median['rate']:,.0f}",
            middle_half([turn["rate"] for turn in target["rounds"]], "{:,.0f}"),
            f"{median['cpu']:.2f}",
            f"{median['database_cpu']:.2f}",
            number(target["statements"], "{:.2f}"),
            number(target["commits"], "{:.2f}"),
            number(idle.get("p50"), "{:.1f}"),
            number(idle.get("p99"), "{:.1f}"),
            pace,
            number(paced.get("p50"), "{:.1f}"),
            number(paced.get("p99"), "{:.1f}"),
        )

    def _target(self, name: str) -> dict[str, Any]:
        turns, paced, count = self._turns[name], self.paced.get(name), self.counts.get(name)
        columns = ("rate", "cpu", "database_cpu")
        rounds = [{column: getattr(turn, column) for column in columns} for turn in turns]
        jobs = self._options["executions"]
        return {
            "name": name,
            "title": self._titles[name],
            "median": {column: statistics.median(turn[column] for turn in rounds) for column in columns},
            "rounds": rounds,
            "statements": count and count.statements / jobs,
            "commits": count and count.commits / jobs,
            "idle": _percentiles([latency for turn in turns for latency in turn.latencies]),
            "paced": paced and {"rate": paced.rate, "kept": paced.kept, **(_percentiles(paced.latencies) or {})},
        }

    def _against(self) -> list[Goal]:
        found = []
        for title, base, least in AGAINST:
            if OURS in self._turns and base in self._turns:
                pairs = zip(self._turns[OURS], self._turns[base], strict=True)
                quotients = [one.rate / other.rate for one, other in pairs]
                reached = statistics.median(quotients)
                half = middle_half(quotients, "{:.2f}")
                found.append(Goal(title, f"≥ {least:g} ×", f"{reached:.2f} ×", reached >= least, half))
        return found

    def _idle(self) -> list[Goal]:
        if OURS not in self._turns or (idle := self._target(OURS)["idle"]) is None:
            return []
        return [
            Goal(f"trigger to first call, idle, {part}", f"≤ {most} ms", f"{idle[part]:.1f} ms", idle[part] <= most)
            for part, most in IDLE.items()
        ]

    def _under_load(self) -> list[Goal]:
        if (paced := self.paced.get(OURS)) is None:
            return []
        asked, p99 = self._options["rate"], percentile(paced.latencies, 99)
        remark = "" if paced.rate == asked else f", at {paced.rate:.0f} a second"
        title = f"trigger to first call while {asked:g} a second run, p99"
        return [Goal(title, f"≤ {LOADED} ms", f"{p99:.1f} ms", paced.kept and p99 <= LOADED, remark=remark)]

    def _commits(self) -> list[Goal]:
        if OURS not in self.counts:
            return []
        commits = self.counts[OURS].commits / self._options["executions"]
        title = "commits an execution of one action, under load"
        return [Goal(title, f"≤ {COMMITS}", f"{commits:.2f}", commits <= COMMITS)]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the least of some values that so many of a hundred don't exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def _percentiles(latencies: Sequence[float]) -> dict[str, float] | None:
    return {f"p{each}": percentile(latencies, each) for each in (50, 99)} if latencies else None


def write(results: Results, directory: Path) -> None:
    """Write ``engine.json`` and ``engine.md``."""
    (directory / "engine.json").write_text(json.dumps(results.as_json(), indent=2) + "\n")
    (directory / "engine.md").write_text(results.as_markdown())
