"""Other processes that use an embedded server, and what the system knows about its processes and directories."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import psutil

from automation.storage.embedded import belonging, leftovers, processes, programs
from automation.storage.embedded.account import known_owners
from automation.storage.embedded.leftovers import Leftover

USER = """
import json, sys
from pathlib import Path
from automation.storage.embedded import EmbeddedServer

server = EmbeddedServer(Path(sys.argv[1]), fast=True)
try:
    urls = server.start()
    print(json.dumps({"pid": server.postmaster_pid(), "owner": urls.owner}), flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    pass
finally:
    server.stop()
"""

ABANDONED = """
import os, signal, sys
from pathlib import Path
from automation.storage.embedded import EmbeddedServer, programs

programs.SYSTEM_DIRECTORY = Path(sys.argv[1])
print(EmbeddedServer(Path(sys.argv[2]), fast=True).start().owner, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Companion:
    """A process that uses the server of a data directory until it is told to leave."""

    process: subprocess.Popen[str]

    def report(self) -> dict[str, object]:
        """Wait until it has the server, and return what it knows of it."""
        assert self.process.stdout is not None
        answer: dict[str, object] = json.loads(self.process.stdout.readline())
        return answer

    def leave(self) -> int:
        """Have it stop using the server, and return its exit code."""
        self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def companion(data_directory: Path) -> Iterator[Companion]:
    """Start another user of a data directory, in a process group of its own as a terminal would."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, data_directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            yield Companion(process)
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def abandoned_server(directory: Path) -> Iterator[tuple[str, Path]]:
    """Start a server below the system directory whose only user is killed; give the owner's URL and its home."""
    done = subprocess.run(
        [sys.executable, "-c", ABANDONED, programs.SYSTEM_DIRECTORY, directory],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    home = (directory / "postgres").readlink()
    assert processes.working_in(home)
    yield done.stdout.strip(), home


def prune(*, unclaimed: bool = False) -> list[Leftover]:
    """Remove what was left, as root and for the service's own user."""
    return leftovers.prune(owners=known_owners(None), unclaimed=unclaimed)


def placed_cluster(directory: Path) -> Path:
    """Make a data directory whose cluster, as far as a judge looks at its files, lies in the system directory."""
    directory.mkdir(parents=True, exist_ok=True)
    home = Path(mkdtemp(dir=programs.system_place("clusters")))
    belonging.announce(home, directory)
    (home / "data" / "global").mkdir(parents=True)
    (home / "data" / "global" / "pg_control").touch()
    (home / "data" / "PG_VERSION").write_text(f"{programs.MAJOR}\n")
    (directory / "postgres").symlink_to(home)
    belonging.confirm(home, directory)
    return home


def server_processes(data_directory: Path) -> list[int]:
    """Return the ids of all processes of the server of a data directory: they work in the cluster's directory."""
    cluster = data_directory / "postgres" / "data"
    return [process.pid for process in psutil.process_iter() if _works_in(process, str(cluster.resolve()))]


def modes(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """Return mode, owner and group of paths and of all their parents."""
    everything = {above for path in paths for above in (path, *path.parents)}
    return {path: _access(path.stat()) for path in everything}


def _access(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mode, status.st_uid, status.st_gid


def _works_in(process: psutil.Process, directory: str) -> bool:
    try:
        return bool(process.cwd() == directory)
    except psutil.Error:
        return False
