"""The frame of a comparison: who is measured and who isn't, where the results go, and how an invalid run ends."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from benchmarks.load import InvalidRun
from benchmarks.machine import warn_if_busy

OUTPUT = Path("dist/bench")
LOGS = OUTPUT / "logs"


class Measurable(Protocol):
    """What can be measured, where it isn't missing."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    @property
    def title(self) -> str:
        """What it is called in the report."""

    def missing(self) -> str | None:
        """Return why it can't be measured here, None where it can."""


class Readable(Protocol):
    """Results that people can read."""

    def as_markdown(self) -> str:
        """Return the tables, ready for a page."""


Target = TypeVar("Target", bound=Measurable)
Results = TypeVar("Results", bound=Readable)


def choose(everything: Iterable[Target], names: Collection[str] | None) -> tuple[list[Target], dict[str, str]]:
    """Return what is measured, and why the rest of what was asked for is not, by its title.

    Args:
        everything: What there is.
        names: What was asked for; all where nothing was.
    """
    wanted = [target for target in everything if not names or target.name in names]
    skipped = {target.title: reason for target in wanted if (reason := target.missing())}
    for title, reason in skipped.items():
        print(f"WARNING: {title} isn't measured: {reason}.", flush=True)
    return [target for target in wanted if target.title not in skipped], skipped


@contextmanager
def named(target: Measurable) -> Iterator[None]:
    """Say whose fault an invalid run is."""
    try:
        yield
    except InvalidRun as error:
        raise InvalidRun(f"{target.title}: {error}") from error


def facts(machine: Mapping[str, str]) -> str:
    """Return what the machine is, in a line."""
    return ", ".join(f"{name}: {value}" for name, value in machine.items())


def left_out(skipped: Mapping[str, str]) -> list[str]:
    """Return a sentence about each target that isn't measured."""
    return [f"Not measured: {title}, because {reason}." for title, reason in skipped.items()]


def conclude(run: Callable[[], Results], write: Callable[[Results], None], *, made: str) -> int:
    """Measure, write the results and print them; say why where a run is invalid, and return the exit code.

    Args:
        run: Measures.
        write: Writes the results.
        made: What is written, in words.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    warn_if_busy()
    try:
        results = run()
    except InvalidRun as error:
        print(f"Invalid: {error}", file=sys.stderr)
        return 1
    write(results)
    print(f"\n{results.as_markdown()}\n{OUTPUT}/ has {made}.")
    return 0
