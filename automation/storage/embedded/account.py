"""The OS account that PostgreSQL runs under: it refuses to run as root, so root has to name another."""

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from automation.storage.embedded.deferral import deferred_signals
from automation.storage.embedded.failure import EmbeddedServerError, excerpt

DEFAULT_NAME = "automation-postgres"
ADVICE = "Name an existing unprivileged user with AUTOMATION_EMBEDDED_USER, or start the service as an ordinary user."

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system, other than root.

    Args:
        identifier: The uid.
        group: The primary group's gid.
        switched: Whether this process is root and becomes that user for PostgreSQL's programs.
    """

    identifier: int
    group: int
    switched: bool

    def run(self, arguments: Sequence[str | Path], *, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, away from the terminal's signals, with its output on ``stdout``.

        Raises:
            EmbeddedServerError: The program can't be started, or isn't done after ``timeout`` seconds.
        """
        process = None
        try:
            with deferred_signals():
                process = self.launch(arguments, output=subprocess.PIPE)
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise EmbeddedServerError(f"{arguments[0]} wasn't done after {timeout:.0f} s.") from None
        finally:
            if process is not None:
                _end(process)
        return subprocess.CompletedProcess(arguments, process.returncode, said.decode(errors="replace"))

    def launch(
        self, arguments: Sequence[str | Path], *, output: int, extra: Mapping[str, str] = _NOTHING
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, out of reach of the terminal's Ctrl-C.

        Args:
            arguments: The program and its arguments.
            output: The descriptor to which it writes, or ``subprocess.PIPE``.
            extra: Variables beside the environment that every program gets.

        Raises:
            EmbeddedServerError: The program can't be started.
        """
        try:
            return subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment(), **extra},
                cwd="/",
                start_new_session=True,
                user=self.identifier if self.switched else None,
                group=self.group if self.switched else None,
                extra_groups=[] if self.switched else None,
            )
        except OSError as error:
            raise EmbeddedServerError(f"{arguments[0]} can't be run: {error}.") from error

    def can_enter(self, directory: Path) -> bool:
        """Say whether this user gets through to a directory; asked of the kernel, so that ACLs count too."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory], timeout=10).returncode == 0

    def own(self, directory: Path) -> None:
        """Give a new directory to this user."""
        if self.switched:
            os.chown(directory, self.identifier, self.group)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that hasn't ended, and what it has started, as initdb starts postgres."""
    with process:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: nothing from ours, where a PG… variable would change much."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def present_account(name: str | None) -> Account:
    """Return the account for a new cluster: this process's user, or, as root, an unprivileged one.

    Args:
        name: The user that root becomes; by default one of the service's own, which is created when it is missing.

    Raises:
        EmbeddedServerError: There is no such user, it can't be created, or it is root.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switched=False)
    entry = _entry(name) if name is not None else _default_entry()
    return account_of(entry.pw_uid)


def account_of(identifier: int) -> Account:
    """Return the user with a uid, as which an existing cluster has to be run.

    Raises:
        EmbeddedServerError: It is root, or somebody else's while this process isn't root.
    """
    if os.geteuid() not in {0, identifier}:
        raise EmbeddedServerError(f"The cluster belongs to the user {identifier}; only that user or root can start it.")
    if identifier == 0:
        raise EmbeddedServerError(f"PostgreSQL doesn't run as root. {ADVICE}")
    try:
        group = pwd.getpwuid(identifier).pw_gid
    except KeyError:
        group = identifier if os.geteuid() == 0 else os.getegid()
    return Account(identifier, group, switched=os.geteuid() == 0)


def known_owners(name: str | None) -> set[int]:
    """Return the uids that may own what servers of this process's user left behind; no user is created for that.

    Args:
        name: As for ``present_account``.
    """
    owners = {os.geteuid()}
    if os.geteuid() == 0:
        with suppress(KeyError):
            owners.add(pwd.getpwnam(DEFAULT_NAME if name is None else name).pw_uid)
    return owners


def _entry(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedServerError(f"There is no user {name!r} on this machine. {ADVICE}") from None


def _default_entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(DEFAULT_NAME)
    except KeyError:
        return _create_default()


def _create_default() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", DEFAULT_NAME]
    try:
        # Root's PATH doesn't always have the administrator's programs: "su" without "-" keeps the caller's.
        path = {"PATH": f"{os.defpath}:/usr/sbin:/sbin"}
        done = subprocess.run(command, check=False, timeout=30, text=True, capture_output=True, env=path)
        reason = excerpt(done.stderr)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    try:
        # Another process may have created it in the same moment: what counts is that it is there.
        return pwd.getpwnam(DEFAULT_NAME)
    except KeyError:
        raise EmbeddedServerError(f"The user {DEFAULT_NAME} can't be created: {reason}. {ADVICE}") from None
