"""Places the server's socket: beside the data, or, where that path is too long, in a temporary directory."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from automation.storage.embedded.cluster import Cluster
from automation.storage.embedded.deferral import deferred_signals
from automation.storage.embedded.failure import EmbeddedServerError
from automation.storage.embedded.holds import Holds
from automation.storage.embedded.paths import absolute
from automation.storage.embedded.urls import PORT

NAME = f".s.PGSQL.{PORT}"
PREFIX = "automation-"
OWNER = ".belongs-to"
"""In a temporary directory, a symbolic link to the home of the cluster whose socket is in it."""

LONGEST = 103
"""Bytes of a socket's path that every system takes: Linux has room for 107, macOS for 103."""


def provide(cluster: Cluster, holds: Holds) -> Path:
    """Return the directory of the cluster's socket, which only the server's user can enter; made when it is missing.

    Args:
        cluster: Whose server it is.
        holds: Gets a temporary directory, so that nobody takes it for one that is left over.

    Raises:
        EmbeddedServerError: There is no place for it.
    """
    if cluster.socket.is_symlink():
        directory = cluster.socket.readlink()
        with suppress(FileNotFoundError, NotADirectoryError):
            holds.take(directory)
        if _private(directory, cluster):
            return directory
    remove(cluster)
    if _fits(cluster.socket):
        cluster.socket.mkdir(mode=0o700, exist_ok=True)
        cluster.socket.chmod(0o700)
        cluster.programs.account.own(cluster.socket)
        return cluster.socket
    with deferred_signals():
        directory = _temporary(cluster, holds)
        cluster.socket.symlink_to(directory)
    return directory


def remove(cluster: Cluster) -> None:
    """Remove the directory, where it is a temporary one."""
    if not cluster.socket.is_symlink():
        return
    directory = cluster.socket.readlink()
    cluster.socket.unlink()
    if directory.is_dir() and directory.stat().st_uid == cluster.programs.account.identifier:
        clear(directory)


def temporaries() -> Iterator[Path]:
    """Give what may be temporary directories of sockets, by their names."""
    for parent in dict.fromkeys(Path(place).resolve() for place in _places()):
        with suppress(FileNotFoundError, PermissionError):
            yield from parent.glob(f"{PREFIX}*")


def home_of(directory: Path) -> Path | None:
    """Return the home of the cluster whose socket is in a temporary directory, None where that isn't one of ours.

    Raises:
        OSError: Nobody can tell.
    """
    if not {path.name for path in directory.iterdir()} <= {NAME, f"{NAME}.lock", OWNER}:
        return None
    with suppress(FileNotFoundError):
        return absolute(str((directory / OWNER).readlink()))
    # A version before made it; PostgreSQL writes where its data is on the second line.
    lines = _text(directory / f"{NAME}.lock").splitlines()
    data = absolute(lines[1]) if len(lines) > 1 else None
    return None if data is None else data.parent


def listens(directory: Path) -> bool:
    """Say whether a server listens in a directory, ready or not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(directory / NAME))
        except BlockingIOError:
            # Its queue is full: it is there, but busy or frozen.
            return True
        except OSError:
            return False
        return True


def clear(directory: Path) -> None:
    """Remove a temporary directory, and what a server leaves in it."""
    for name in (NAME, f"{NAME}.lock", OWNER):
        (directory / name).unlink(missing_ok=True)
    directory.rmdir()


def _private(directory: Path, cluster: Cluster) -> bool:
    try:
        status = directory.stat()
    except FileNotFoundError:
        return False
    owned = status.st_uid == cluster.programs.account.identifier
    return owned and stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == stat.S_IRWXU


def _text(path: Path) -> str:
    """Return the beginning of a file, empty where there is no regular file; nothing there can block the reader."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return os.fsdecode(os.read(descriptor, 4096)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else ""
    finally:
        os.close(descriptor)


def _fits(directory: Path) -> bool:
    path = directory / NAME
    # A comma or a quote would end the path in libpq's and in PostgreSQL's lists of directories; a URL is UTF-8.
    plain = str(path).isprintable() and not set(",\"'").intersection(str(path))
    return plain and len(os.fsencode(path)) <= LONGEST


def _temporary(cluster: Cluster, holds: Holds) -> Path:
    account = cluster.programs.account
    for parent in _places():
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        holds.take(directory)
        (directory / OWNER).symlink_to(cluster.home)
        account.own(directory)
        if _fits(directory) and account.can_enter(directory):
            return directory
        clear(directory)
    raise EmbeddedServerError("The server's socket needs a short temporary directory that its user can enter.")


def _places() -> tuple[str, ...]:
    return (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108 - mkdtemp makes a private one in it
