"""Crashes leave nothing that stays, and a person reads why there can be no server."""

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError
from automation.storage.embedded.postmaster import Postmaster
from tests.storage.embedded.companions import server_processes


def test_a_killed_server_is_started_again_with_what_was_committed(cluster_directory: Path) -> None:
    server = EmbeddedServer(cluster_directory)
    with psycopg.connect(server.start().owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    killed = kill(server)
    server.stop()

    with EmbeddedServer(cluster_directory) as urls, psycopg.connect(urls.owner) as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()

    assert row == (42,)
    assert killed not in psutil.pids()


def test_a_killed_server_is_resumed(cluster_directory: Path) -> None:
    server = EmbeddedServer(cluster_directory, fast=True)
    server.start()
    killed = kill(server)

    server.resume()

    assert server.postmaster_pid() not in {None, killed}
    server.stop()


def test_a_killed_server_whose_children_still_listen_is_resumed(
    cluster_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedServer(cluster_directory, fast=True)
    server.start()
    killed = kill(server)
    listens = Postmaster.listens
    remaining = iter([True] * 3)
    monkeypatch.setattr(Postmaster, "listens", lambda self: next(remaining, False) or listens(self))

    server.resume()

    assert server.postmaster_pid() not in {None, killed}
    server.stop()


def test_a_recycled_process_id_in_a_left_over_file_does_not_prevent_a_start(cluster_directory: Path) -> None:
    server = EmbeddedServer(cluster_directory, fast=True)
    server.start()
    record = cluster_directory / "postgres" / "data" / "postmaster.pid"
    lines = record.read_text().splitlines(keepends=True)
    kill(server)
    server.stop()

    with innocent_process(record) as innocent:
        record.write_text("".join([f"{innocent}\n", *lines[1:]]))
        began = time.monotonic()
        with EmbeddedServer(cluster_directory, fast=True):
            took = time.monotonic() - began
        alive = psutil.pid_exists(innocent) and psutil.Process(innocent).status() != psutil.STATUS_ZOMBIE

    assert alive
    assert took < 5


def test_a_cluster_of_another_major_version_is_refused(data_directory: Path) -> None:
    version = data_directory / "postgres" / "data" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("17\n")

    with pytest.raises(EmbeddedServerError, match="was made by PostgreSQL 17, but this is PostgreSQL 18"):
        EmbeddedServer(data_directory).start()


def test_something_else_in_the_clusters_place_is_refused_and_not_touched(data_directory: Path) -> None:
    note = data_directory / "postgres" / "note.txt"
    note.parent.mkdir(parents=True)
    note.write_text("mine")

    with pytest.raises(EmbeddedServerError, match="isn't a PostgreSQL cluster"):
        EmbeddedServer(data_directory).start()

    assert note.read_text() == "mine"


def test_a_cluster_that_is_gone_is_not_silently_replaced_by_an_empty_one(data_directory: Path) -> None:
    data_directory.mkdir()
    entrance = data_directory / "postgres"
    entrance.symlink_to("/nowhere/at/all")

    with pytest.raises(EmbeddedServerError, match="is gone"):
        EmbeddedServer(data_directory).start()

    entrance.unlink()


def test_a_server_that_can_not_start_says_why_and_where_its_log_is(cluster_directory: Path) -> None:
    home = (cluster_directory / "postgres").resolve()
    configuration = home / "data" / "postgresql.conf"
    valid = configuration.read_text()
    configuration.write_text(f"{valid}no_such_setting = 1\n")

    with pytest.raises(EmbeddedServerError, match="no_such_setting") as caught:
        EmbeddedServer(cluster_directory, fast=True).start()

    configuration.write_text(valid)
    assert caught.value.log == home / "server.log"
    assert str(caught.value.log) in str(caught.value)
    assert server_processes(cluster_directory) == []


def test_a_data_directory_that_can_not_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedServerError, match=r"PostgreSQL can't be had in .*file"):
        EmbeddedServer(tmp_path / "file" / "data").start()


def test_a_failed_creation_leaves_nothing(data_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automation.storage.embedded.cluster._CHOICES", ("--encoding=KLINGON",))

    with pytest.raises(EmbeddedServerError, match='"KLINGON" is not a valid server encoding'):
        EmbeddedServer(data_directory).start()

    assert sorted(path.name for path in data_directory.iterdir()) == ["embedded.lock", "embedded.users"]


def test_a_deleted_data_directory_does_not_keep_the_server_running(cluster_directory: Path) -> None:
    server = EmbeddedServer(cluster_directory, fast=True)
    server.start()
    pid = server.postmaster_pid()
    cluster_directory.rename(cluster_directory.with_name("elsewhere"))

    server.stop()

    assert pid not in psutil.pids()
    cluster_directory.with_name("elsewhere").rename(cluster_directory)


def kill(server: EmbeddedServer) -> int:
    """Kill the server's main process as the kernel does when memory is short, and wait until it is gone."""
    pid = server.postmaster_pid()
    assert pid is not None
    # Looked up while it lives: a thread of the server's starter may reap it at any moment after.
    process = psutil.Process(pid)
    process.kill()
    _, alive = psutil.wait_procs([process], timeout=10)
    assert not alive
    return pid


@contextmanager
def innocent_process(record: Path) -> Iterator[int]:
    """Run a process of the server's user that has nothing to do with it."""
    owner = record.parent.stat().st_uid
    user = pwd.getpwuid(owner).pw_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as process:
        try:
            yield process.pid
        finally:
            process.kill()
