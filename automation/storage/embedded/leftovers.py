"""Finds, judges and removes what killed processes and removed data directories leave on a machine.

Root's clusters below the system directory outlive the data directory that led to them; an ordinary user's are in the
data directory itself and go with it. Temporary directories of sockets are left by both. Nothing is removed that a
server runs on, that a process holds, or of which nobody can tell where it belongs.
"""

import os
import shutil
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psycopg

from automation.storage.embedded import belonging, programs, sockets
from automation.storage.embedded import cluster as clusters
from automation.storage.embedded.belonging import Belonging, Standing
from automation.storage.embedded.failure import EmbeddedServerError
from automation.storage.embedded.holds import held_alone
from automation.storage.embedded.postmaster import Postmaster
from automation.storage.embedded.processes import working_in
from automation.storage.embedded.urls import urls_at

BEGINNING = 3600.0
"""Seconds for which something without a record may be one that another process is only making."""

PATIENCE = 5
"""Seconds in which a server accepts a connection, and in which it counts its clients."""

_STRANGERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


class Outcome(StrEnum):
    """What became of something that was found."""

    REMOVED = "removed"
    REMOVABLE = "would be removed"
    KEPT = "kept"
    FAILED = "can't be removed"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that was left, or may have been.

    Args:
        path: Where it is.
        outcome: What became of it.
        reason: Why, as a clause that stands after the outcome.
    """

    path: Path
    outcome: Outcome
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.outcome}, {self.reason}"


def prune(*, owners: set[int], unclaimed: bool = False, dry_run: bool = False) -> list[Leftover]:
    """Remove what was left, and return what was found.

    Args:
        owners: The uids whose temporary directories are looked at.
        unclaimed: Remove clusters of which nobody can prove that they are left as well, unless a server runs on them.
        dry_run: Only say what would be done.
    """
    found: list[Leftover] = []
    if os.geteuid() == 0:
        found += _each(_directories(clusters.system_clusters()), lambda home: _judge_home(home, unclaimed), dry_run)
        found += _each(_directories(programs.SYSTEM_DIRECTORY / "programs"), _judge_programs, dry_run)
    ours = (directory for directory in sockets.temporaries() if _is_private(directory, owners))
    return found + _each(ours, _judge_socket_directory, dry_run)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is to become of something, and how that is done."""

    reason: str
    remove: Callable[[], None] | None = None


_Judge = Callable[[Path], _Verdict | None]


def _each(directories: Iterator[Path], judge: _Judge, dry_run: bool) -> list[Leftover]:
    found = (_settle(directory, judge, dry_run=dry_run) for directory in directories)
    return [leftover for leftover in found if leftover is not None]


def _settle(directory: Path, judge: _Judge, *, dry_run: bool) -> Leftover | None:
    """Judge once without, and once more while nobody else can begin to use it."""
    try:
        if judge(directory) is None:
            return None
        with held_alone(directory) as alone:
            if alone:
                return _carry_out(directory, judge(directory), dry_run=dry_run)
            return Leftover(directory, Outcome.KEPT, "a process uses it") if directory.exists() else None
    except FileNotFoundError:
        return None  # whoever it belongs to is removing it in this moment
    except (OSError, ValueError, EmbeddedServerError, psycopg.Error) as error:
        return Leftover(directory, Outcome.KEPT, f"nobody can tell whether it is used: {_line(error)}")


def _carry_out(directory: Path, verdict: _Verdict | None, *, dry_run: bool) -> Leftover | None:
    if verdict is None:
        return None
    if verdict.remove is None:
        return Leftover(directory, Outcome.KEPT, verdict.reason)
    if dry_run:
        return Leftover(directory, Outcome.REMOVABLE, verdict.reason)
    try:
        verdict.remove()
    except (OSError, ValueError, EmbeddedServerError) as error:
        return Leftover(directory, Outcome.FAILED, _line(error)) if directory.exists() else None
    return Leftover(directory, Outcome.REMOVED, verdict.reason)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _judge_home(home: Path, unclaimed: bool) -> _Verdict | None:
    belongs = belonging.read(home)
    if belongs is not None:
        return _judge_known(belongs, unclaimed)
    if not (home / "data" / "global" / "pg_control").exists():
        reason = "its creation was never finished"
        return _judge_orphan(home, reason) if _is_old(home) else None
    return _judge_unclaimed(home, "it doesn't say where it belongs, as one that an earlier version made", unclaimed)


def _judge_known(belongs: Belonging, unclaimed: bool) -> _Verdict | None:
    match belongs.standing():
        case Standing.USED:
            return None
        case Standing.GONE:
            return _judge_orphan(belongs.home, f"its data directory {belongs.records[-1].data_directory} is gone")
        case Standing.UNPROVEN:
            return _judge_unclaimed(belongs.home, ", and ".join(belongs.doubts()), unclaimed)


def _judge_unclaimed(home: Path, reason: str, unclaimed: bool) -> _Verdict:
    if unclaimed and not working_in(home):
        return _Verdict(f"no server runs on it, and {reason}", lambda: _delete(home))
    return _Verdict(reason)


def _judge_orphan(home: Path, reason: str) -> _Verdict:
    processes = working_in(home)
    if not processes:
        return _Verdict(reason, lambda: _delete(home))
    server = sockets.listens(home / "socket")
    if not server or _has_clients(home):
        return _Verdict(f"{reason}, but a process works in it: {processes[0]}")
    return _Verdict(f"{reason}, and the server that nobody used was stopped", lambda: _stop_and_delete(home))


def _has_clients(home: Path) -> bool:
    url = urls_at(home / "socket").admin
    with psycopg.connect(url, autocommit=True, connect_timeout=PATIENCE) as connection, _limited(connection):
        row = connection.execute(_STRANGERS).fetchone()
        return row is None or row[0] > 0


@contextmanager
def _limited(connection: psycopg.Connection) -> Iterator[None]:
    """Cut a connection off when the block takes too long: a frozen server keeps no time limit of its own."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        timer = threading.Timer(PATIENCE, _cut, [line])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        line.shutdown(socket.SHUT_RDWR)


def _stop_and_delete(home: Path) -> None:
    """End a server whose users were killed and whose data directory is gone: nobody could start it again or find it."""
    Postmaster(clusters.found(home), home / "socket", fast=False).stop()
    if working_in(home):
        raise EmbeddedServerError(f"The server in {home} doesn't end")
    _delete(home)


def _delete(home: Path) -> None:
    """Delete a home, its records last: of one that is deleted in part it is still known that it may be."""
    for path in sorted(home.iterdir(), key=lambda path: path.name == belonging.RECORDS):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    home.rmdir()


def _judge_programs(directory: Path) -> _Verdict | None:
    if not directory.name.startswith(".") or not _is_old(directory):
        return None
    return _Verdict("its copy of PostgreSQL's programs was never finished", lambda: shutil.rmtree(directory))


def _judge_socket_directory(directory: Path) -> _Verdict | None:
    home = sockets.home_of(directory)
    if home is None or belonging.leads(home / "socket", directory) or sockets.listens(directory):
        return None
    return _Verdict("no server has its socket in it any more", lambda: sockets.clear(directory))


def _directories(parent: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, PermissionError):
        yield from (path for path in sorted(parent.iterdir()) if stat.S_ISDIR(path.lstat().st_mode))


def _is_private(directory: Path, owners: set[int]) -> bool:
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == stat.S_IRWXU and status.st_uid in owners


def _is_old(directory: Path) -> bool:
    return time.time() - directory.lstat().st_mtime > BEGINNING
