"""Several processes, one data directory: one server, from the first user's start to the last one's stop."""

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError
from tests.storage.embedded.companions import companion, server_processes


def test_two_processes_that_start_at_once_share_one_server_until_the_last_one_leaves(data_directory: Path) -> None:
    with companion(data_directory) as one, companion(data_directory) as other:
        first, second = one.report(), other.report()
        one.leave()
        with psycopg.connect(str(second["owner"])) as connection:
            connection.execute("SELECT 1")
        other.leave()

    assert first == second
    assert (one.process.returncode, other.process.returncode) == (0, 0)
    assert server_processes(data_directory) == []


def test_a_killed_user_leaves_a_server_that_the_next_one_uses_and_stops(cluster_directory: Path) -> None:
    with companion(cluster_directory) as killed:
        left = killed.report()["pid"]
        killed.process.kill()
        killed.process.wait()
    server = EmbeddedServer(cluster_directory, fast=True)

    server.start()
    found = server.postmaster_pid()
    server.stop()

    assert found == left
    assert server_processes(cluster_directory) == []


def test_a_user_that_is_killed_while_it_creates_the_cluster_leaves_no_trace(data_directory: Path) -> None:
    with companion(data_directory) as killed:
        unfinished = wait_for(data_directory, "*.incomplete/data/global").parents[1]
        home = unfinished.resolve()
        killed.process.kill()
        killed.process.wait()

    with EmbeddedServer(data_directory, fast=True) as urls, psycopg.connect(urls.owner) as connection:
        connection.execute("SELECT 1")

    assert not os.path.lexists(unfinished)
    assert not home.exists()


def test_the_terminals_interrupt_reaches_the_user_which_stops_the_server_in_order(cluster_directory: Path) -> None:
    with companion(cluster_directory) as interrupted:
        interrupted.report()
        os.killpg(interrupted.process.pid, signal.SIGINT)
        code = interrupted.process.wait(timeout=30)

    log = (cluster_directory / "postgres" / "server.log").read_text()
    assert code == 0
    assert "database system is shut down" in log
    assert server_processes(cluster_directory) == []


def test_two_users_in_one_process_share_one_server(cluster_directory: Path) -> None:
    one, other = EmbeddedServer(cluster_directory, fast=True), EmbeddedServer(cluster_directory, fast=True)
    one.start()
    other.start()

    one.stop()
    still_there = other.postmaster_pid()
    other.stop()

    assert still_there is not None
    assert server_processes(cluster_directory) == []


def test_a_cluster_in_use_is_not_discarded(cluster_directory: Path) -> None:
    with companion(cluster_directory) as other:
        pid = other.report()["pid"]
        server = EmbeddedServer(cluster_directory, fast=True)
        server.start()

        with pytest.raises(EmbeddedServerError, match="in use by another process"):
            server.discard()

        assert pid in server_processes(cluster_directory)
        other.leave()


def test_a_server_that_another_user_halted_comes_back_with_the_next_start(cluster_directory: Path) -> None:
    with companion(cluster_directory) as other:
        halted = other.report()["pid"]
        server = EmbeddedServer(cluster_directory, fast=True)
        server.start()
        server.halt()

        with EmbeddedServer(cluster_directory, fast=True) as urls, psycopg.connect(urls.owner):
            found = server.postmaster_pid()

        server.stop()
        other.leave()

    assert found not in {None, halted}
    assert server_processes(cluster_directory) == []


def wait_for(directory: Path, pattern: str) -> Path:
    deadline = time.monotonic() + 30
    while not (found := list(directory.glob(pattern))):
        assert time.monotonic() < deadline, f"{pattern} didn't appear"
        time.sleep(0.005)
    return found[0]
