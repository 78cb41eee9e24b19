"""Tells which data directories have used a cluster below the system directory, and whether all of them are gone.

The cluster's home holds a record for each of them. A path can't tell a data directory that was removed from one that
was moved, so each record is linked into its data directory as well: the link goes wherever that is moved, and the
kernel counts it. Whatever can't be proved by that count is no evidence that a data directory is gone.
"""

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Self

from automation.storage.embedded.paths import absolute

ENTRANCE = "postgres"
RECORDS = "belongs-to"
EARLIER = "earlier"
"""Among the records of a home that was used before there were any: whoever did isn't known."""

_SUFFIX = ".json"
_LONGEST = 65536


class Standing(Enum):
    """What is known of the data directories that have used a cluster."""

    USED = auto()
    GONE = auto()
    UNPROVEN = auto()


@dataclass(frozen=True, slots=True)
class Record:
    """What a cluster's home says of one data directory that has used it.

    Args:
        file: The record itself.
        data_directory: Where that was; None where the record can't be read.
        witnessed: Whether the record was linked into the data directory, so that the count of its names can be trusted.
        linked: Whether it has another name than the one in the home.
    """

    file: Path
    data_directory: Path | None
    witnessed: bool
    linked: bool

    @classmethod
    def at(cls, file: Path) -> Self:
        """Return what stands in a file.

        Raises:
            OSError: It can't be read.
        """
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(descriptor)
            document = _document(opened.read(_LONGEST))
        # A record that was copied with its home, as by a restored backup, says nothing of the first one's other name.
        witnessed = document.get("witness") == status.st_ino
        return cls(file, absolute(document.get("data_directory")), witnessed, status.st_nlink > 1)

    def leads(self, home: Path) -> bool:
        """Say whether the data directory, or a neighbour of it, leads to a home.

        Raises:
            OSError: Nobody can tell.
        """
        directory = self.data_directory
        return directory is not None and (leads(directory / ENTRANCE, home) or _is_renamed(directory, home))

    @property
    def doubt(self) -> str | None:
        """Why it can't prove that the data directory is gone, None where it can."""
        if self.data_directory is None:
            return f"its record {self.file.name} can't be read"
        if not self.witnessed:
            return f"nobody can tell whether its data directory {self.data_directory} was removed or moved"
        return None


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a cluster's home says of where it belongs.

    Args:
        home: The cluster's.
        records: Of each data directory that has used it, the latest last.
        complete: Whether they begin with the cluster.
    """

    home: Path
    records: tuple[Record, ...]
    complete: bool

    def standing(self) -> Standing:
        """Say whether a data directory is there, or all are proved to be gone.

        Raises:
            OSError: Nobody can tell.
        """
        if any(record.linked for record in self.records) or any(record.leads(self.home) for record in self.records):
            return Standing.USED
        return Standing.UNPROVEN if self.doubts() else Standing.GONE

    def doubts(self) -> list[str]:
        """Return why nobody can prove that no data directory is left."""
        doubts = [record.doubt for record in self.records if record.doubt]
        return doubts if self.complete else ["an earlier version, which kept no records, used it", *doubts]

    def knows(self, directory: Path) -> Record | None:
        """Return the record of a data directory, None where there is none that will do."""
        link = link_in(directory, self.home)
        for record in self.records:
            if record.witnessed and _is_same(record.file, link):
                return record
            if not record.witnessed and record.data_directory == directory:
                return record
        return None


def read(home: Path) -> Belonging | None:
    """Return what a home says, None where it says nothing: a version before records made it.

    Raises:
        OSError: It can't be read.
    """
    try:
        names = {file.name for file in (home / RECORDS).iterdir()}
    except FileNotFoundError:
        return None
    files = [home / RECORDS / name for name in names if name.endswith(_SUFFIX) and not name.startswith(".")]
    files.sort(key=lambda file: file.lstat().st_mtime_ns)
    return Belonging(home, tuple(map(Record.at, files)), EARLIER not in names) if files else None


def announce(home: Path, data_directory: Path) -> None:
    """Write into a new home, before anything else is in it, where it belongs.

    Raises:
        OSError: It can't be written.
    """
    (home / RECORDS).mkdir(mode=0o700)
    _record(home, data_directory.resolve())


def confirm(home: Path, data_directory: Path) -> None:
    """Have a cluster's home know of a data directory that uses it; to be called at every start, by who holds the home.

    Raises:
        OSError: The records can't be read or written.
    """
    directory = data_directory.resolve()
    belonging = read(home)
    if belonging is None:
        (home / RECORDS).mkdir(mode=0o700, exist_ok=True)
        (home / RECORDS / EARLIER).touch()
    former = None if belonging is None else belonging.knows(directory)
    if former is not None and former.data_directory == directory:
        return
    _record(home, directory)
    if former is not None and former.file.lstat().st_nlink == 1:
        former.file.unlink()  # of the same data directory, where that was before


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
        if error.errno in {errno.EINVAL, errno.ELOOP}:  # something else than a link, or below one that leads nowhere
            return False
        raise
    # Not Path.resolve, which raises something else than an OSError where links lead in a circle.
    return os.path.realpath(entrance) == os.path.realpath(target)


def link_in(data_directory: Path, home: Path) -> Path:
    """Return a record's other name: one for each home, so that a second cluster doesn't take the first one's away."""
    return data_directory / f"embedded.{home.name}.home"


def _record(home: Path, directory: Path) -> None:
    """Write a record, linked into the data directory where that is possible: where no other file system begins."""
    name = f"{secrets.token_hex(8)}{_SUFFIX}"
    unfinished = home / RECORDS / f".{name}"
    link = directory / f".{name}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        witness = os.fstat(descriptor).st_ino if _is_linked(unfinished, link) else None
        file.write(json.dumps({"data_directory": str(directory), "witness": witness}) + "\n")
    # In the home first: a link without a record would be a data directory that nobody knows of.
    unfinished.rename(home / RECORDS / name)
    if witness is not None:
        link.replace(link_in(directory, home))


def _is_linked(record: Path, name: Path) -> bool:
    with suppress(OSError):
        name.hardlink_to(record)
        return True
    return False


def _document(text: bytes) -> dict[str, object]:
    with suppress(ValueError, RecursionError):
        document = json.loads(text)
        if isinstance(document, dict):
            return document
    return {}


def _is_same(record: Path, link: Path) -> bool:
    try:
        return os.path.samestat(record.lstat(), link.lstat())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_renamed(data_directory: Path, home: Path) -> bool:
    """Say whether a neighbour of the data directory, or of one above it, leads to the home.

    Beside what is counted, this finds a copy that was put aside and that nobody has used yet.
    """
    parts = data_directory.parts
    for depth in range(1, len(parts)):
        above = Path(*parts[:depth])
        if any(leads(Path(other, *parts[depth + 1 :], ENTRANCE), home) for other in _entries(above)):
            return True
    return False


def _entries(directory: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from directory.iterdir()
