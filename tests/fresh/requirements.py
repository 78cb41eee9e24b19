"""Requirements of a machine whatever is done there: nothing left running, nothing opened wider, no trace told."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from tests.fresh.person import Unexpected

QUIET_SECONDS = 10.0
FAULTS = ("Traceback (most recent call last)", "Exception in ")

_EVERYBODY = 0o777
_UNSEEN = ("proc", "sys", "dev")


def require_code(what: str, code: int, expected: tuple[int, ...], output: str = "") -> None:
    """Require one of some exit codes."""
    if code not in expected:
        raise Unexpected(f"after {what} the exit code is {code}, not one of {expected}\n{output}")


def require_same(former: Mapping[str, object], now: Mapping[str, object]) -> None:
    """Require that the demo kept its keys and executions."""
    for part in ("keys", "executions"):
        if former[part] != now[part]:
            raise Unexpected(f"the second time the demo has other {part}")


def require_no_fault(output: str) -> None:
    """Require that no line is a trace."""
    found = next((line for line in output.splitlines() if any(fault in line for fault in FAULTS)), None)
    if found is not None:
        raise Unexpected(f"the output has {found!r}:\n{output}")


def require_few_lines(output: str, most: int) -> None:
    """Require that an installation doesn't chatter."""
    if len(output.splitlines()) > most:
        raise Unexpected(f"more than {most} lines are said:\n{output}")


def require_quiet() -> None:
    """Require that nothing goes on running on the machine."""
    deadline = time.monotonic() + QUIET_SECONDS
    while left := running():
        if time.monotonic() > deadline:
            raise Unexpected(f"these were left running: {left}")
        time.sleep(0.1)


def running() -> Mapping[int, str]:
    """Return every process of the machine, by number, but for those that tell this story."""
    own = {1, os.getpid()}
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) not in own:
            try:
                state = Path(entry.path, "stat").read_text().rpartition(")")[2].split()[0]
                command = Path(entry.path, "cmdline").read_text().replace("\0", " ").strip()
            except OSError:  # it ended meanwhile
                continue
            if state != "Z":
                found[int(entry.name)] = command
    return found


def process_named(name: str) -> int:
    """Return the number of the first process with a name."""
    for number in sorted(running()):
        if Path("/proc", str(number), "comm").read_text().strip() == name:
            return number
    raise Unexpected(f"no {name} is running")


def modes(root: Path, checkout: Path) -> Mapping[str, int]:
    """Return the permissions of every directory of a file tree, but for those of the checkout."""
    found = {}
    for directory, directories, _ in os.walk(root):
        if directory == str(root):
            directories[:] = [name for name in directories if name not in _UNSEEN]
        if directory == str(checkout):
            directories.clear()
            continue
        found[directory] = Path(directory).stat().st_mode & _EVERYBODY
    return found


def require_no_wider(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Require that nobody may do more in a directory than before."""
    wider = {
        name: f"{before[name]:o} -> {mode:o}" for name, mode in after.items() if mode & ~before.get(name, _EVERYBODY)
    }
    if wider:
        raise Unexpected(f"the permissions of directories were widened: {wider}")
