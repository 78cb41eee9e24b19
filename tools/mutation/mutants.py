"""Mutants: one change of one file each, of the code that matters most; those that change nothing have a reason."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tools.mutation import changes, statements
from tools.mutation.changes import Change

_USED_BY = ("tests/storage", "tests/engine", "tests/security", "tests/service", "tests/handlers")
ROOMS: dict[str, tuple[str, ...]] = {
    "security": ("tests/security", "tests/service", "tests/handlers"),
    "automation/contract/compiled": ("tests/contract", "tests/handlers"),
    "automation/contract/serving": ("tests/contract", "tests/handlers"),
    "automation/domain/allowance.py": ("tests/domain", "tests/security", "tests/storage", "tests/handlers"),
    "automation/domain/bounded.py": ("tests/security", "tests/engine", "tests/service", "tests/handlers"),
    "automation/domain/limits.py": ("tests/domain", "tests/security", "tests/storage", "tests/handlers"),
    "automation/engine/actions/addresses.py": ("tests/engine",),
    "automation/engine/actions/egress.py": ("tests/engine",),
    "automation/engine/rules/masking.py": ("tests/engine", "tests/handlers"),
    "automation/engine/rules/secret_uses.py": ("tests/engine", "tests/handlers"),
    "automation/engine/rules/unmasking.py": ("tests/engine", "tests/handlers"),
    "automation/engine/runs": ("tests/engine",),
    "automation/engine/triggers": ("tests/engine", "tests/storage", "tests/handlers"),
    "automation/storage": _USED_BY,
    "automation/storage/migrations/sql": _USED_BY,
    "automation/service/bulk_rounds.py": ("tests/service", "tests/storage"),
    "automation/service/deeds.py": ("tests/service", "tests/storage", "tests/handlers"),
    "automation/service/deliveries.py": ("tests/service", "tests/security", "tests/handlers"),
    "automation/service/http": ("tests/service", "tests/handlers"),
    "automation/service/problems.py": ("tests/service", "tests/handlers"),
    "automation/service/refusals.py": ("tests/service", "tests/handlers"),
    "automation/service/repeated_writes.py": ("tests/service", "tests/handlers"),
    "automation/service/secrecy.py": ("tests/service", "tests/handlers"),
    "automation/service/secret_keys.py": ("tests/service", "tests/storage"),
}
"""Where a fault costs most, with the tests that are measured for it: those of the room, and of who uses it.

A file belongs to the room that names it most closely.
"""

LEFT_OUT = (
    "automation/storage/embedded",
    "automation/storage/migrations/procrastinate_3_10.sql",
    "automation/storage/migrations/versions",
)
"""What a room would have but for this: a server for development, the queue's own schema, changes of tables that ran."""

FROM_OUTSIDE: dict[str, tuple[str, ...]] = {
    "automation/service/http/acceptor.py": ("tests/system/test_silent_connections.py",),
    "automation/service/http/child.py": ("tests/system/test_no_request_lost.py", "tests/system/test_watchdog.py"),
    "automation/service/http/connections.py": ("tests/system/test_silent_connections.py",),
    "automation/service/http/family.py": ("tests/system/test_no_request_lost.py", "tests/system/test_watchdog.py"),
    "automation/service/http/listener.py": ("tests/system/test_no_request_lost.py",),
    "automation/service/http/protocol.py": ("tests/system/test_protocol.py", "tests/system/test_silent_connections.py"),
    "automation/service/http/request_log.py": ("tests/system/test_requests_logged.py",),
    "automation/service/http/watched_server.py": ("tests/system/test_shutdown.py", "tests/system/test_watchdog.py"),
    "automation/service/repeated_writes.py": ("tests/system/test_repeated_writes.py",),
    "automation/storage/answers.py": ("tests/system/test_repeated_writes.py",),
    "automation/engine/runs/worker.py": ("tests/engine/runs/test_run_takeover.py",),
    "automation/engine/triggers/event.py": ("tests/system/test_events.py",),
    "automation/engine/triggers/webhook.py": ("tests/system/test_hooks.py",),
    "automation/service/bulk_rounds.py": ("tests/system/test_bulk_operations.py",),
    "automation/service/deeds.py": ("tests/system/test_audit_events.py", "tests/system/test_hooks.py"),
    "automation/service/deliveries.py": ("tests/system/test_hooks.py",),
    "automation/service/http/framing.py": ("tests/system/test_protocol.py",),
    "automation/service/secrecy.py": ("tests/commands/test_settings.py", "tests/system/test_planted_secret.py"),
    "automation/service/secret_keys.py": ("tests/system/test_secrets.py",),
    "automation/storage/accounts/pruning.py": ("tests/commands/test_prune.py",),
    "automation/storage/hooks.py": ("tests/system/test_hooks.py",),
    "automation/storage/migrations/sql/create_delivered_execution_v1.sql": ("tests/system/test_hooks.py",),
    "automation/storage/migrations/sql/keep_hook_v1.sql": ("tests/system/test_hooks.py",),
    "automation/storage/migrations/sql/resolve_hook_v1.sql": ("tests/system/test_hooks.py",),
    "automation/storage/migrations/sql/rotate_hook_v1.sql": ("tests/system/test_hooks.py",),
}
"""Tests that start processes, whose lines can't be measured: asked last, where no other has noticed a fault."""

TABLES: tuple[str, ...] = ("tests/storage/test_migration.py",)
"""Tests that hold what tables are said to be to those that migrations make: no test runs a line of that."""

TEXTS: tuple[str, ...] = ("tests/storage/test_function_texts.py",)
"""Tests that hold the texts of all functions of the database to rules, and run none of them: asked first."""

SCHEMA = (
    "automation/storage/accounts",
    "automation/storage/former.py",
    "automation/storage/migration",
    "automation/storage/pool/pooler.py",
    "automation/storage/restrictions.py",
    "automation/storage/revisions.py",
)
"""What makes a database: a mutant of it is tried in one that it has made itself, all others in copies of one."""

EQUIVALENT = "tools/mutation/equivalent.toml"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one change.

    Args:
        room: The part of the code that it belongs to.
        path: The file, from the top of the repository.
        line: The text of the first line that is changed, as a reader finds it.
        change: What is changed.
        told: What becomes of what.
    """

    room: str
    path: str
    line: str
    change: Change
    told: str

    def __str__(self) -> str:
        return f"{self.path}:{self.change.first}: {self.told}"

    @property
    def key(self) -> str:
        """What tells it from all others, of its line too."""
        return f"{self.path}:{self.change.start}-{self.change.end}: {self.change.text}"

    @property
    def from_outside(self) -> tuple[str, ...]:
        """The tests that are asked last, whose lines aren't measured."""
        if Path(self.path).stem.endswith(("tables", "_table")):
            return TABLES
        return next((tests for place, tests in FROM_OUTSIDE.items() if self.path.startswith(place)), ())

    @property
    def from_text(self) -> tuple[str, ...]:
        """The tests that are asked first, which read the file."""
        return TEXTS if self.path.endswith(".sql") else ()

    @property
    def makes_databases(self) -> bool:
        """Whether it is among what makes a database."""
        return self.path.startswith(SCHEMA)

    @property
    def function(self) -> str | None:
        """The function of the database that is changed, None in Python."""
        return Path(self.path).stem if self.path.endswith(".sql") else None


def mutants(repository: Path) -> Iterator[Mutant]:
    """Yield every mutant, in the order of rooms, files and lines."""
    for room in ROOMS:
        for path in _files(repository, room):
            source = path.read_text(encoding="utf-8")
            lines = source.splitlines()
            made = statements.changes(source) if path.suffix == ".sql" else changes.changes(source)
            for change in made:
                name = str(path.relative_to(repository))
                yield Mutant(room, name, lines[change.first - 1].strip(), change, change.told(source))


def left_out(repository: Path) -> int:
    """Return how many changes of numbers are left out because a near number would do as well."""
    paths = (path for room in ROOMS for path in _files(repository, room) if path.suffix == ".py")
    return sum(len(changes.tuned(path.read_text(encoding="utf-8"))) for path in paths)


def _files(repository: Path, room: str) -> Iterator[Path]:
    """Yield a room's files, without those of a closer room, and without what is left out."""
    place = repository / room
    closer = [other for other in (*ROOMS, *LEFT_OUT) if other.startswith(f"{room}/")]
    for path in sorted([*place.rglob("*.py"), *place.rglob("*.sql")]) if place.is_dir() else [place]:
        if not any(path.is_relative_to(repository / other) for other in closer):
            yield path


def spread(made: Sequence[Mutant], chance: Random) -> list[Mutant]:
    """Return mutants in an order by chance, whose every beginning has of each room by its size."""
    rooms: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in made:
        rooms[mutant.room].append(mutant)
    places: list[tuple[float, Mutant]] = []
    for each in rooms.values():
        chance.shuffle(each)
        places += [((at + chance.random()) / len(each), mutant) for at, mutant in enumerate(each)]
    return [mutant for _, mutant in sorted(places, key=lambda place: place[0])]


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why mutants change nothing that anybody could see: ``equivalent.toml``.

    An entry names a file or several, the line as it stands there (any, where it does not say), what becomes of what
    (anything, where it does not say), and why.
    """

    entries: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, repository: Path) -> "Reasons":
        """Read them."""
        text = (repository / EQUIVALENT).read_text(encoding="utf-8")
        return cls(tuple(tomllib.loads(text).get("equivalent", ())))

    def of(self, mutant: Mutant) -> str | None:
        """Return why a mutant is equivalent, None where it is none."""
        for entry in self.entries:
            here = mutant.path in entry.get("files", [entry.get("file")])
            same = entry.get("line", mutant.line) == mutant.line and entry.get("change", mutant.told) == mutant.told
            if here and same:
                return str(entry["reason"])
        return None

    def unused(self, made: list[Mutant]) -> list[dict[str, Any]]:
        """Return the entries that no mutant matches: the code has changed since."""
        return [entry for entry in self.entries if not any(Reasons((entry,)).of(mutant) for mutant in made)]
