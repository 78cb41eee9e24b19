"""Memory as the place of a run's PostgreSQL servers, whose databases are made and dropped by the hundred.

Each is some three hundred files. On a disk (ext4) that was 0.05 s of processor time on a quiet machine and 0.3 s on a
busy one, in memory 0.03 s on both, on 28 November 2026. Where no memory is to be had as a directory, or little, as
in some containers, there is no such place.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FILE_SYSTEM = Path("/dev/shm")  # noqa: S108 - what is made here is its maker's, and read by nobody else
ENOUGH_BYTES = 4 << 30

_PREFIX = "automation-tests-"
_RUN = "run"


def place_of(run: Path) -> Path:
    """Return where a run has its place in memory, if it has one.

    Args:
        run: The directory that the run's processes share.
    """
    return FILE_SYSTEM / f"{_PREFIX}{hashlib.sha256(str(run).encode()).hexdigest()[:12]}"


def provide(run: Path) -> bool:
    """Make a run's place in memory, and say whether there is one."""
    place = place_of(run)
    if not place.exists() and _is_roomy():
        place.mkdir()
        place.chmod(0o711)  # the server's own user has to get through
        (place / _RUN).write_text(str(run))
    return place.exists()


def directory(run: Path, name: str) -> Path | None:
    """Make one more directory in a run's place, which the server's own user gets through, or None where it has none.

    Args:
        run: The directory that the run's processes share.
        name: What the new one's name begins with.
    """
    if not place_of(run).exists():
        return None
    made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place_of(run)))
    made.chmod(0o711)
    return made


def runs() -> Iterator[Path]:
    """Yield the runs that have a place in memory, also those that were killed."""
    for place in FILE_SYSTEM.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is being made or deleted, or is another user's
            yield Path((place / _RUN).read_text())


def give_back(run: Path) -> None:
    """Delete a run's place in memory, if it has one."""
    shutil.rmtree(place_of(run), ignore_errors=True)


def _is_roomy() -> bool:
    try:
        return shutil.disk_usage(FILE_SYSTEM).free >= ENOUGH_BYTES
    except OSError:
        return False
