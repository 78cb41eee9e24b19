"""Tells every story, two at a time, and prints a line for each. Exit code 0 where all ended well, 1 where one didn't.

It never skips: what it needs and doesn't have is said, and the exit code is 2.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.fresh.cases import DEBIANS, ROWS, THIS_MACHINE, Case
from tests.fresh.checkout import copy_checkout
from tests.fresh.debian import NoRoot, provide_root
from tests.fresh.namespaces import Ending, tell

REPOSITORY = Path(__file__).parents[2]
TAIL_LINES = 40
NEEDED = ("unshare", "setpriv", "mount", "chroot", "git", "curl", "mmdebstrap")

_printing = threading.Lock()
_interrupted = threading.Event()


def main() -> int:
    """Tell the stories that are asked for."""
    arguments = _arguments()
    lacking = _lacking()
    if lacking:
        print(f"make test-fresh can't run: {lacking}.", file=sys.stderr)
        return 2
    rows = [[case for case in row if arguments.only in str(case)] for row in ROWS]
    with (
        tempfile.TemporaryDirectory(prefix="fresh-run.", ignore_cleanup_errors=True) as scratch,
        ThreadPoolExecutor() as threads,
    ):
        clone = Path(scratch, "checkout")
        copy_checkout(arguments.checkout.resolve(), clone)
        wanted = {case.machine for row in rows for case in row} - {THIS_MACHINE}
        roots = {suite: threads.submit(provide_root, suite) for suite in DEBIANS if suite in wanted}
        told = [
            threads.submit(_tell_row, row, roots, clone, Path(scratch, f"cache-{number}"))
            for number, row in enumerate(rows)
        ]
        try:
            endings = [ending for row in told for ending in row.result()]
        except KeyboardInterrupt:
            _interrupted.set()
            return 130
    failed = sum(not ending.well for ending in endings)
    print(f"{len(endings) - failed} passed, {failed} failed")
    return 1 if failed or not endings else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-fresh", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="only the cases whose line has these words")
    parser.add_argument("--checkout", type=Path, default=REPOSITORY, help="another checkout, of an earlier commit say")
    return parser.parse_args()


def _lacking() -> str:
    """Return what is missing for it to run at all; nothing where nothing is."""
    if platform.system() != "Linux":
        return "it needs Linux, whose namespaces make a machine of its own"
    if os.geteuid() != 0:
        return "it needs root, to mount an overlay of this machine and to become other users there"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"{', '.join(missing)} isn't installed; tools/provide.sh installs it on Debian" if missing else ""


def _tell_row(row: list[Case], roots: dict[str, Future[Path]], clone: Path, cache: Path) -> list[Ending]:
    cache.mkdir()
    endings = []
    for case in row:
        if _interrupted.is_set():
            break
        ending = _tell(case, roots, clone, cache)
        with _printing:
            print(f"{'PASS' if ending.well else 'FAIL'} {ending.seconds:6.1f} s  {case}", end="", flush=True)
            print(f" ({ending.said})" if ending.well else f"\n{_tail(ending.said)}", flush=True)
        endings.append(ending)
    return endings


def _tell(case: Case, roots: dict[str, Future[Path]], clone: Path, cache: Path) -> Ending:
    try:
        lower = Path("/") if case.machine == THIS_MACHINE else roots[case.machine].result()
    except (NoRoot, OSError) as error:
        return Ending(False, f"there is no {case.machine}: {error}", 0.0)
    return tell(case.story, lower=lower, who=case.who, online=case.online, checkout=clone, cache=cache)


def _tail(said: str) -> str:
    """Return what went wrong, and the end of what there is to it."""
    first, *others = said.splitlines() or ["nothing was said"]
    return "\n".join(f"     | {line}" for line in [first, *others[-TAIL_LINES:]])


if __name__ == "__main__":
    sys.exit(main())
