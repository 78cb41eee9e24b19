"""The cluster on disk: made once, and placed where the server's user can reach it.

``<data directory>/postgres`` is the cluster's home, or, where root's server couldn't enter the data directory, a
symbolic link to a home below the system directory. In the home: ``data``, ``socket`` and ``server.log``, and below the
system directory records of the data directories that use it.
"""

import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from automation.storage.embedded import belonging, programs
from automation.storage.embedded.account import Account, account_of, present_account
from automation.storage.embedded.belonging import ENTRANCE
from automation.storage.embedded.deferral import deferred_signals
from automation.storage.embedded.failure import EmbeddedServerError, excerpt
from automation.storage.embedded.holds import Holds
from automation.storage.embedded.programs import MAJOR, ServerPrograms
from automation.storage.embedded.roles import SUPERUSER

UNFINISHED = ".incomplete"
CREATION_TIMEOUT = 60.0
DELETION_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """One database cluster on disk, and the programs that serve it."""

    home: Path
    programs: ServerPrograms

    @property
    def data(self) -> Path:
        """PostgreSQL's own files."""
        return self.home / "data"

    @property
    def socket(self) -> Path:
        """Where the socket's directory is, or a symbolic link to it."""
        return self.home / "socket"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "server.log"


def provide(data_directory: Path, holds: Holds, *, user: str | None, durable: bool) -> Cluster:
    """Return the cluster of a data directory, created first when there is none; to be called within a transition.

    Args:
        data_directory: Exists already.
        holds: Gets the cluster's home, so that nobody takes it for one that is left over.
        user: As whom root runs the server of a new cluster.
        durable: Wait until a new cluster is on the disk.

    Raises:
        EmbeddedServerError: There is something else in its place, it is another major version's, or it can't be made.
    """
    entrance = data_directory / ENTRANCE
    if is_present(data_directory):
        return _held(entrance, holds)
    _delete_unfinished(data_directory)
    # A name of its own each time: the initdb of a killed process may still be at work in, and will clean up, another.
    unfinished = data_directory / f"{ENTRANCE}.{secrets.token_hex(4)}{UNFINISHED}"
    try:
        _build(unfinished, programs.find(present_account(user)), holds, durable=durable)
        unfinished.rename(entrance)
    except BaseException:
        _delete(unfinished)
        raise
    return _held(entrance, holds)


def is_present(data_directory: Path) -> bool:
    """Say whether a data directory has a cluster, or something in a cluster's place."""
    return os.path.lexists(data_directory / ENTRANCE)


def places(data_directory: Path) -> list[Path]:
    """Return where the cluster of a data directory is: its entrance, and its home where that is elsewhere."""
    entrance = data_directory / ENTRANCE
    return [entrance, entrance.resolve()] if entrance.is_symlink() else [entrance]


def remove(data_directory: Path) -> None:
    """Delete the cluster of a data directory, wherever it is.

    Raises:
        EmbeddedServerError: The way to it leads somewhere that no cluster is placed.
    """
    _delete_unfinished(data_directory)
    _delete(data_directory / ENTRANCE)


def _delete_unfinished(data_directory: Path) -> None:
    for unfinished in data_directory.glob(f"{ENTRANCE}.*{UNFINISHED}"):
        _delete(unfinished)


def _delete(entrance: Path) -> None:
    """Delete what an entrance leads to, and then the entrance, so that what can't be deleted is found again."""
    home = entrance.resolve()
    if entrance.is_symlink() and not is_elsewhere(home):
        raise EmbeddedServerError(f"{entrance} leads to {home}, which wasn't made here and isn't deleted.")
    deadline = time.monotonic() + DELETION_TIMEOUT
    while home.exists() and time.monotonic() < deadline:
        # A killed process's initdb goes on making files for a moment.
        shutil.rmtree(home, ignore_errors=True)
    if home.exists():
        raise EmbeddedServerError(f"{home} can't be deleted.")
    if entrance.is_symlink():
        entrance.unlink()
        belonging.link_in(entrance.parent, home).unlink(missing_ok=True)


def _held(entrance: Path, holds: Holds) -> Cluster:
    home = entrance.resolve()
    if not home.is_dir():
        raise EmbeddedServerError(f"The cluster {home} is gone. Remove {entrance} to begin with an empty one.")
    holds.take(home)
    cluster = found(home)
    if is_elsewhere(home) and cluster.programs.account.switched:
        belonging.confirm(home, entrance.parent)
    return cluster


def found(home: Path) -> Cluster:
    """Return the cluster that is in a home.

    Raises:
        EmbeddedServerError: There is something else, it is another major version's, or somebody else's.
    """
    version = home / "data" / "PG_VERSION"
    if not version.is_file():
        raise EmbeddedServerError(f"{home} isn't a PostgreSQL cluster. Move it away, or use another data directory.")
    made_by = version.read_text().strip()
    if made_by != str(MAJOR):
        raise EmbeddedServerError(
            f"{home} was made by PostgreSQL {made_by}, but this is PostgreSQL {MAJOR}, which can't read it. "
            "Use another data directory, or move the data with pg_dump of the old version."
        )
    account = account_of(version.stat().st_uid)
    return Cluster(home, programs.find(account))


def _build(entrance: Path, tools: ServerPrograms, holds: Holds, *, durable: bool) -> None:
    account = tools.account
    _place(entrance, account, holds)
    data = entrance.resolve() / "data"
    data.mkdir(mode=0o700)
    account.own(data)
    command: list[str | Path] = [tools.initdb, "--pgdata", data, f"--username={SUPERUSER}", *_CHOICES]
    if not durable:
        command.append("--no-sync")
    done = account.run(command, timeout=CREATION_TIMEOUT)
    if done.returncode != 0:
        raise EmbeddedServerError(f"The cluster can't be created in {data}: {excerpt(done.stdout)}.")


_CHOICES = (
    "--encoding=UTF8",
    # Sorts by code point, the same on every machine and after every upgrade of its C library.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    # Whoever can enter the socket's directory is the server's own user or root; there is no other way in.
    "--auth-local=trust",
    "--auth-host=reject",
    "--set=timezone=UTC",
    "--set=log_timezone=UTC",
)


def _place(entrance: Path, account: Account, holds: Holds) -> None:
    if not account.switched:
        entrance.mkdir(mode=0o700)
        return
    if account.can_enter(entrance.parent):
        entrance.mkdir()
    else:
        with deferred_signals():
            placed = Path(tempfile.mkdtemp(prefix="", dir=programs.system_place(system_clusters().name)))
            holds.take(placed)
            belonging.announce(placed, entrance.parent)
            entrance.symlink_to(placed)
    home = entrance.resolve()
    # Root keeps the home, so that the server's user can't put links in the way of what root writes there.
    home.chmod(0o711)
    if not account.can_enter(home):
        raise EmbeddedServerError(f"The user {account.identifier} can't enter {home}. Its parents must let it through.")


def is_elsewhere(home: Path) -> bool:
    """Say whether a home is below the system directory and not in the data directory."""
    return home.parent.resolve() == system_clusters().resolve()


def system_clusters() -> Path:
    """Return where the homes are that couldn't be in the data directory."""
    return programs.SYSTEM_DIRECTORY / "clusters"
