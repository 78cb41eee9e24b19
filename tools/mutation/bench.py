"""A bench on which mutants are tried side by side: copies of the repository, one PostgreSQL, and former verdicts."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType

from tests.databases import ADMIN_URL, TEMPLATE, running_cluster
from tools.mutation import covering
from tools.mutation.covering import Covering
from tools.mutation.kept import Kept, State
from tools.mutation.mutants import ROOMS, Mutant
from tools.mutation.nearness import callers, importers, module_of, near
from tools.mutation.starter import Starter
from tools.mutation.trial import OUTSIDE, Asked, Copy, Verdict

_DIGESTED = ("automation", "handlers", "security", "tests", "openapi.yaml", "pyproject.toml")


class Bench:
    """Tries mutants; a context manager.

    Args:
        repository: The top of the repository.
        place: A directory for what is kept from one run to the next.
        processes: How many are tried side by side.
    """

    def __init__(self, repository: Path, place: Path, processes: int) -> None:
        self._repository = repository
        self._place = place
        self._processes = processes
        self._lock = threading.Lock()
        self._noticed: dict[str, set[str]] = defaultdict(set)

    def __enter__(self) -> "Bench":
        self._place.mkdir(exist_ok=True)
        self._state = State.of(self._repository, _DIGESTED)
        self._kept = Kept(self._place / "verdicts.jsonl", self._state)
        with ExitStack() as stack:
            temporary = Path(stack.enter_context(TemporaryDirectory(prefix="mutation-")))
            cluster = stack.enter_context(running_cluster(temporary / "postgresql"))
            self._environment = os.environ | {ADMIN_URL: cluster.admin_url}
            self._stands: SimpleQueue[_Stand] = SimpleQueue()
            for number in range(self._processes):
                place = temporary / f"template-{number}"
                place.mkdir()
                copy = Copy.of(self._repository, temporary / f"copy-{number}")
                self._stands.put(_Stand(copy, stack.enter_context(Starter(place)), place))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def tried(
        self, mutants: Sequence[Mutant], until: float | None, rooms: Sequence[str]
    ) -> Iterator[tuple[Mutant, Verdict]]:
        """Try mutants and yield their verdicts as they come; all ends at ``until``, of the monotonic clock.

        Raises:
            OutOfTime: Nothing was tried: it is not known yet which tests run which lines.
        """
        tests = self._covering(rooms, until)
        before = self._kept.verdicts()
        for path, modules in self._kept.noticed().items():
            self._noticed[path] |= modules
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
        change, at = mutant.change, (mutant.path, mutant.change.first, mutant.change.last)
        if mutant.function is not None:
            asked = tests.of_function(self._repository, mutant.function)
            called = callers(self._repository, mutant.function)
        else:
            called = importers(self._repository, mutant.path) if tests.at_import(*at) else []
            asked = tests.of(*at)
        with self._lock:
            first = [*mutant.from_text, *called, *near(mutant.path, asked, self._noticed[mutant.path])]
        others = [test for test in asked if test not in first]
        stand = self._stands.get()
        shared = {} if mutant.makes_databases else {TEMPLATE: str(stand.template)}
        try:
            source = change.applied((self._repository / mutant.path).read_text(encoding="utf-8"))
            groups = [Asked(each, tests.seconds(each), until) for each in (first, others)]
            groups.append(Asked(mutant.from_outside, OUTSIDE, until))
            found = stand.copy.tried(mutant.path, source, groups, stand.starter, self._environment | shared)
        finally:
            self._stands.put(stand)
        with self._lock:
            self._kept.add(mutant, found)
            if found.by:
                self._noticed[mutant.path].add(module_of(found.by))
        return found.verdict

    def _covering(self, rooms: Sequence[str], until: float | None) -> Covering:
        """Return which tests run which lines; those that were measured and are the same aren't measured again."""
        chosen = tuple(sorted({test for room in rooms for test in ROOMS[room]}))
        place = self._place / "covering"
        kept = covering.kept(place, self._repository) or Covering()
        tests = self._state.tests
        other = {file for file, of in kept.files.items() if tests.get(file) != of}
        wanted = sorted(file for file in tests if file.startswith(chosen) and (file in other or file not in kept.files))
        if not other and not wanted:
            return kept
        found = kept.without(other)
        if wanted:
            print(f"looking which tests run which lines: {len(wanted)} files of {' '.join(chosen)}", flush=True)
            seconds = None if until is None else until - time.monotonic()
            new = covering.measured(self._repository, place, wanted, self._environment, seconds)
            found = found.joined(replace(new, files={file: tests[file] for file in wanted}))
        covering.keep(found, place, self._repository)
        return found


@dataclass(frozen=True, slots=True)
class _Stand:
    """A copy of the repository with what runs its tests, and where its runs have the template of their databases."""

    copy: Copy
    starter: Starter
    template: Path
