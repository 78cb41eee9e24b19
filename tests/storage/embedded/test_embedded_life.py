"""An embedded server's life: created, stopped without a trace, started again with its data."""

import stat
import time
from pathlib import Path

import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError
from tests.storage.embedded.companions import server_processes


def test_only_the_servers_user_can_enter_the_directories(cluster_directory: Path) -> None:
    with EmbeddedServer(cluster_directory, fast=True) as urls:
        socket_directory = Path(urls.owner.split("host=")[1].split("&")[0])
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (cluster_directory, socket_directory)]

    assert modes == [0o700, 0o700]


def test_a_second_start_is_quick_and_keeps_the_data(cluster_directory: Path) -> None:
    with EmbeddedServer(cluster_directory) as urls, psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE life AS SELECT 42 AS answer")

    began = time.monotonic()
    with EmbeddedServer(cluster_directory) as urls, psycopg.connect(urls.owner) as connection:
        took = time.monotonic() - began
        row = connection.execute("SELECT answer, current_setting('fsync') FROM life").fetchone()

    assert row == (42, "on")
    assert took < 5


def test_nothing_is_left_running_after_a_stop(cluster_directory: Path) -> None:
    server = EmbeddedServer(cluster_directory, fast=True)
    server.start()
    while_started = server_processes(cluster_directory)

    server.stop()
    server.stop()

    assert len(while_started) > 1
    assert server_processes(cluster_directory) == []
    assert server.postmaster_pid() is None


def test_the_environment_of_other_postgresql_clients_changes_nothing(
    cluster_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGUSER": "nobody", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)

    with EmbeddedServer(cluster_directory, fast=True) as urls, psycopg.connect(urls.owner) as connection:
        row = connection.execute("SELECT current_user, current_setting('port')").fetchone()

    assert row == ("automation_owner", "5432")


def test_a_server_that_was_not_started_can_be_neither_halted_nor_resumed(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data")

    server.stop()

    with pytest.raises(EmbeddedServerError, match="start it first"):
        server.halt()
    with pytest.raises(EmbeddedServerError, match="start it first"):
        server.resume()
