"""Tells which data directory a cluster below the system directory belongs to, and whether that one is gone.

Each such cluster's home holds a record with the data directory's path. A path alone can't tell a data directory that
was removed from one that was moved, so the record is linked into the data directory as well: wherever on its file
system that is moved, the record's second name goes with it.
"""

import errno
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENTRANCE = "postgres"
RECORD = "belongs-to.json"
LINK = "embedded.home"
"""The record's other name, in the data directory."""

_LONGEST = 65536


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a cluster's home says of where it belongs.

    Args:
        data_directory: Whose ``postgres`` leads to the home.
        mount: The mount point that the data directory was below.
        linked: Whether the record has another name than the one in the home.
    """

    data_directory: Path
    mount: Path
    linked: bool

    def is_gone(self, home: Path) -> bool:
        """Say whether the data directory was removed, as far as anybody can tell.

        Raises:
            OSError: Nobody can tell.
        """
        if self.linked or leads(self.data_directory / ENTRANCE, home):
            return False
        # On a file system that isn't there at the moment, it is neither here nor gone.
        return self.mount.is_mount() and not _is_renamed(self.data_directory, home)


def read(home: Path) -> Belonging | None:
    """Return what a home says, None where it says nothing: a version before records made it.

    Raises:
        OSError: It can't be read.
    """
    try:
        descriptor = os.open(home / RECORD, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        linked = os.fstat(descriptor).st_nlink > 1
        try:
            document = json.loads(file.read(_LONGEST))
            return Belonging(Path(document["data_directory"]), Path(document["mount"]), linked)
        except (ValueError, KeyError, TypeError):
            return None


def announce(home: Path, data_directory: Path) -> None:
    """Write into a home where it belongs; root's alone, and replaced in one step.

    Raises:
        OSError: It can't be written.
    """
    directory = data_directory.resolve()
    document = {"data_directory": str(directory), "mount": str(_mount_of(directory))}
    unfinished = home / f".{RECORD}.{secrets.token_hex(4)}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(document) + "\n")
    unfinished.replace(home / RECORD)


def confirm(home: Path, data_directory: Path) -> None:
    """Have a finished cluster's home and its data directory know of each other; to be called at every start.

    A home that another data directory leads to as well stays that one's: of two copies the first counts.

    Raises:
        OSError: The record can't be read or written.
    """
    belonging = read(home)
    if belonging is None or not leads(belonging.data_directory / ENTRANCE, home):
        announce(home, data_directory)
        belonging = None
    if belonging is None or not belonging.linked:
        _link(home / RECORD, data_directory / LINK)


def leads(entrance: Path, target: Path) -> bool:
    """Say whether a symbolic link leads to a directory.

    Raises:
        OSError: Nobody can tell.
    """
    # Not Path's questions, for which "there is none" and "it can't be seen" may be one answer.
    try:
        entrance.readlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno == errno.EINVAL:  # something else than a link
            return False
        raise
    return entrance.resolve() == target.resolve()


def _link(record: Path, name: Path) -> None:
    """Give a record its other name; without it, where another file system begins in between, its path has to do."""
    unfinished = name.with_name(f".{name.name}.{secrets.token_hex(4)}")
    with suppress(OSError):
        unfinished.hardlink_to(record)
        unfinished.replace(name)


def _mount_of(directory: Path) -> Path:
    return next(above for above in (directory, *directory.parents) if above.is_mount())


def _is_renamed(data_directory: Path, home: Path) -> bool:
    """Say whether the data directory, or one above it, has only another name now: the usual way to put one aside.

    Needed where the record has no other name, on another file system than the home's.
    """
    parts = data_directory.parts
    for depth in range(1, len(parts)):
        above = Path(*parts[:depth])
        try:
            others = list(above.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return False
        if any(leads(Path(other, *parts[depth + 1 :], ENTRANCE), home) for other in others):
            return True
    return False
