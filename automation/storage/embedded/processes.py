"""Processes that work in a directory, as PostgreSQL's do in that of their data; asked of the kernel."""

import os
from contextlib import suppress
from pathlib import Path

PROCESSES = Path("/proc")


def working_in(directory: Path) -> list[int]:
    """Return the ids of the processes whose working directory is a directory or below it, whoever runs them.

    Where the system doesn't say so, it is the one that PostgreSQL has written down, if there is any of that id.
    """
    if not (PROCESSES / "self" / "cwd").exists():
        return _recorded(directory)
    place = directory.resolve()
    return sorted(int(entry.name) for entry in PROCESSES.iterdir() if entry.name.isdecimal() and _is_in(entry, place))


def _is_in(process: Path, place: Path) -> bool:
    with suppress(OSError):  # it has ended, or is none of ours
        return (process / "cwd").readlink().is_relative_to(place)
    return False


def _recorded(directory: Path) -> list[int]:
    with suppress(OSError, ValueError):
        identifier = int((directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(identifier, 0)
        return [identifier]
    return []
