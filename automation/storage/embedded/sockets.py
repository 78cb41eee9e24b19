"""Places the server's socket: beside the data, or, where that path is too long, in a temporary directory."""

import os
import stat
import tempfile
from pathlib import Path

from automation.storage.embedded.cluster import Cluster
from automation.storage.embedded.failure import EmbeddedServerError
from automation.storage.embedded.urls import PORT

LONGEST = 103
"""Bytes of a socket's path that every system takes: Linux has room for 107, macOS for 103."""


def provide(cluster: Cluster) -> Path:
    """Return the directory of the cluster's socket, which only the server's user can enter; made when it is missing.

    Raises:
        EmbeddedServerError: There is no place for it.
    """
    if cluster.socket.is_symlink() and _private(cluster.socket, cluster):
        return cluster.socket.readlink()
    remove(cluster)
    if _fits(cluster.socket):
        cluster.socket.mkdir(mode=0o700, exist_ok=True)
        cluster.socket.chmod(0o700)
        cluster.programs.account.own(cluster.socket)
        return cluster.socket
    directory = _temporary(cluster)
    cluster.socket.symlink_to(directory)
    return directory


def remove(cluster: Cluster) -> None:
    """Remove the directory, where it is a temporary one."""
    if not cluster.socket.is_symlink():
        return
    directory = cluster.socket.readlink()
    cluster.socket.unlink()
    if directory.is_dir() and directory.stat().st_uid == cluster.programs.account.identifier:
        for left in directory.glob(".s.PGSQL.*"):
            left.unlink()
        directory.rmdir()


def _private(directory: Path, cluster: Cluster) -> bool:
    try:
        status = directory.stat()
    except FileNotFoundError:
        return False
    owned = status.st_uid == cluster.programs.account.identifier
    return owned and stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == stat.S_IRWXU


def _fits(directory: Path) -> bool:
    path = directory / f".s.PGSQL.{PORT}"
    # A comma or a quote would end the path in libpq's and in PostgreSQL's lists of directories; a URL is UTF-8.
    plain = str(path).isprintable() and not set(",\"'").intersection(str(path))
    return plain and len(os.fsencode(path)) <= LONGEST


def _temporary(cluster: Cluster) -> Path:
    account = cluster.programs.account
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes a private one in it
        directory = Path(tempfile.mkdtemp(prefix="automation-", dir=parent))
        account.own(directory)
        if _fits(directory) and account.can_enter(directory):
            return directory
        directory.rmdir()
    raise EmbeddedServerError("The server's socket needs a short temporary directory that its user can enter.")
