"""A bench on which mutants are tried side by side: copies of the repository, one PostgreSQL, and former verdicts."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType

from automation.storage.embedded import EmbeddedServer
from tools.mutation import covering
from tools.mutation.covering import Covering
from tools.mutation.mutants import ROOMS, Mutant
from tools.mutation.trial import OUTSIDE, Asked, Copy, Verdict

_DIGESTED = ("automation", "handlers", "security", "tests", "openapi.yaml", "pyproject.toml")


class Bench:
    """Tries mutants; a context manager.

    Args:
        repository: The top of the repository.
        place: A directory for what is kept from one run to the next.
    """

    def __init__(self, repository: Path, place: Path) -> None:
        self._repository = repository
        self._place = place
        self._processes = min(os.cpu_count() or 1, 8)
        self._lock = threading.Lock()

    def __enter__(self) -> "Bench":
        self._place.mkdir(exist_ok=True)
        self._temporary = TemporaryDirectory(prefix="mutation-")
        self._server = EmbeddedServer(Path(self._temporary.name) / "server", fast=True)
        self._environment = os.environ | {"AUTOMATION_TEST_ADMIN_URL": self._server.start().admin}
        self._copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(self._processes):
            self._copies.put(Copy.of(self._repository, Path(self._temporary.name) / f"copy-{number}"))
        self._kept = self._place / f"verdicts-{_digest(self._repository)}.jsonl"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.discard()
        self._temporary.cleanup()

    def tried(
        self, mutants: Sequence[Mutant], until: float | None, rooms: Sequence[str]
    ) -> Iterator[tuple[Mutant, Verdict]]:
        """Try mutants and yield their verdicts as they come; all ends at ``until``, of the monotonic clock.

        Raises:
            OutOfTime: Nothing was tried: it is not known yet which tests run which lines.
        """
        tests = self._covering(rooms, until)
        before = self._verdicts()
        pool = ThreadPoolExecutor(self._processes)
        try:
            coming: list[tuple[Mutant, Future[Verdict]]] = []
            for mutant in mutants:
                if mutant.key in before:
                    yield mutant, before[mutant.key]
                else:
                    coming.append((mutant, pool.submit(self._try, mutant, tests, until)))
            for mutant, future in coming:
                yield mutant, future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _try(self, mutant: Mutant, tests: Covering, until: float | None) -> Verdict:
        if until is not None and time.monotonic() > until:
            return Verdict.OPEN
        change = mutant.change
        if mutant.function is not None:
            asked = tests.of_function(self._repository, mutant.function)
        else:
            asked = tests.of(mutant.path, change.first, change.last)
        copy = self._copies.get()
        try:
            source = change.applied((self._repository / mutant.path).read_text(encoding="utf-8"))
            seconds = sum(tests.took.get(test, 0.0) for test in asked)
            groups = [Asked(asked, seconds, until), Asked(mutant.from_outside, OUTSIDE, until)]
            verdict = copy.tried(mutant.path, source, groups, self._environment)
        finally:
            self._copies.put(copy)
        if verdict is Verdict.OPEN:
            return verdict
        with self._lock, self._kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mutant": mutant.key, "line": mutant.change.first, "verdict": verdict}) + "\n")
        return verdict

    def _covering(self, rooms: Sequence[str], until: float | None) -> Covering:
        chosen = sorted({test for room in rooms for test in ROOMS[room]})
        name = hashlib.sha256(" ".join(chosen).encode()).hexdigest()[:8]
        place = self._place / f"covering-{_digest(self._repository)}-{name}"
        found = covering.kept(place)
        if found is None:
            print(f"looking which tests run which lines: {' '.join(chosen)}", flush=True)
            seconds = None if until is None else until - time.monotonic()
            found = covering.measured(self._repository, place, chosen, self._environment, seconds)
        return found

    def _verdicts(self) -> dict[str, Verdict]:
        if not self._kept.exists():
            return {}
        entries = map(json.loads, self._kept.read_text(encoding="utf-8").splitlines())
        return {entry["mutant"]: Verdict(entry["verdict"]) for entry in entries}


def _digest(repository: Path) -> str:
    """Return a short digest of everything that a verdict depends on."""
    digest = hashlib.sha256()
    for name in _DIGESTED:
        place = repository / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.suffix in {".py", ".sql", ".yaml", ".toml"} and path.is_file():
                digest.update(str(path.relative_to(repository)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
