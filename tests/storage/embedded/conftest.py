"""Data directories whose clusters are gone after the test, whoever started their servers."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from automation.storage.embedded import EmbeddedServer, processes, programs, sockets
from tests.storage.embedded.companions import server_processes


@pytest.fixture
def data_directory(tmp_path: Path) -> Iterator[Path]:
    """A data directory that doesn't exist yet, below one that only its owner can enter."""
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    directory = hidden / "data"
    yield directory
    discard(directory)


@pytest.fixture(scope="package")
def cluster_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory with a cluster, made once because that takes longest; who uses it stops what it starts."""
    directory = tmp_path_factory.mktemp("made") / "data"
    with EmbeddedServer(directory, fast=True):
        pass
    yield directory
    discard(directory)


@pytest.fixture(scope="module")
def server(cluster_directory: Path) -> Iterator[EmbeddedServer]:
    """A started server that a module's tests share."""
    started = EmbeddedServer(cluster_directory, fast=True)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can enter."""
    directory = Path(mkdtemp(prefix="open-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def system_directory(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A system directory, and a place for sockets, that no other server uses; no server is left below it."""
    copies = programs.SYSTEM_DIRECTORY / "programs"
    monkeypatch.setattr(sockets, "_places", lambda: (str(open_directory),))
    monkeypatch.setattr(programs, "SYSTEM_DIRECTORY", open_directory / "system")
    place = programs.system_place("programs")
    for copy in copies.glob("[!.]*"):
        (place / copy.name).symlink_to(copy)
    yield open_directory / "system"
    for identifier in processes.working_in(open_directory):
        with suppress(ProcessLookupError):
            os.kill(identifier, signal.SIGKILL)


@pytest.fixture
def as_root() -> None:
    """Skip the test unless root runs it: an ordinary user can't become somebody else."""
    if os.geteuid() != 0:
        pytest.skip("A SERVER OF ANOTHER USER IS NOT TESTED HERE: only root can start one")


def discard(directory: Path) -> None:
    """Delete a cluster, and make sure that none of its processes is left."""
    processes = server_processes(directory)
    EmbeddedServer(directory).discard()
    assert set(processes).isdisjoint(psutil.pids())
