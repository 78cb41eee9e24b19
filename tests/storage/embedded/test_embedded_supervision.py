"""A server that ends under its users: noticed at once, started again with pauses, and given up in the end."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError, Supervision
from tests.storage.embedded.companions import companion

WAIT = 30.0


class Witness:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.ends: list[int | None] = []
        self.returns: list[int | None] = []
        self.losses: list[EmbeddedServerError] = []
        self._told = threading.Condition()

    def ended(self, process: int | None) -> None:
        with self._told:
            self.ends.append(process)
            self._told.notify_all()

    def resumed(self, process: int | None, seconds: float) -> None:
        with self._told:
            self.returns.append(process)
            self._told.notify_all()

    def lost(self, error: EmbeddedServerError) -> None:
        with self._told:
            self.losses.append(error)
            self._told.notify_all()

    def wait(self, *, returns: int = 0, losses: int = 0) -> None:
        """Wait until it was told as much."""
        with self._told:
            assert self._told.wait_for(lambda: len(self.returns) >= returns and len(self.losses) >= losses, WAIT)


@contextmanager
def supervised(directory: Path, *pauses: float) -> Iterator[tuple[EmbeddedServer, Witness]]:
    """Use a server under supervision."""
    server, witness = EmbeddedServer(directory, fast=True), Witness()
    with server, Supervision(server, witness, pauses=pauses):
        yield server, witness


def kill(server: EmbeddedServer) -> int:
    """Kill the server's main process, and return which that was."""
    pid = server.postmaster_pid()
    assert pid is not None
    psutil.Process(pid).kill()
    return pid


def test_a_killed_server_is_started_again_and_that_is_told_once(cluster_directory: Path) -> None:
    with supervised(cluster_directory, 0) as (server, witness):
        killed = kill(server)
        witness.wait(returns=1)
        with psycopg.connect(server.start().owner) as connection:
            row = connection.execute("SELECT 1").fetchone()
        now = server.postmaster_pid()

    assert row == (1,)
    assert (witness.ends, witness.returns, witness.losses) == ([killed], [now], [])
    assert now != killed


def test_the_end_is_noticed_where_the_kernel_does_not_tell_it(
    cluster_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)

    with supervised(cluster_directory, 0) as (server, witness):
        killed = kill(server)
        witness.wait(returns=1)

    assert witness.ends == [killed]


def test_a_server_that_another_process_started_is_supervised_too(cluster_directory: Path) -> None:
    with companion(cluster_directory) as other:
        other.report()
        with supervised(cluster_directory, 0) as (server, witness):
            killed = kill(server)
            witness.wait(returns=1)
        other.leave()

    assert witness.ends == [killed]


def test_two_that_supervise_one_server_start_it_once(cluster_directory: Path) -> None:
    with supervised(cluster_directory, 0) as (server, first), supervised(cluster_directory, 0) as (_, second):
        kill(server)
        first.wait(returns=1)
        second.wait(returns=1)

    assert first.returns == second.returns


def test_a_server_that_can_not_be_started_again_is_given_up_after_the_last_try(cluster_directory: Path) -> None:
    configuration = cluster_directory / "postgres" / "data" / "postgresql.conf"
    valid = configuration.read_text()

    with supervised(cluster_directory, 0, 0.05, 0.05) as (server, witness):
        configuration.write_text(f"{valid}no_such_setting = 1\n")
        killed = kill(server)
        witness.wait(losses=1)
        configuration.write_text(valid)

    assert (witness.ends, witness.returns) == ([killed], [])
    assert "no_such_setting" in str(witness.losses[0])


def test_a_server_that_ends_again_and_again_is_given_up(cluster_directory: Path) -> None:
    with supervised(cluster_directory, 0, 0) as (server, witness):
        for times in (1, 2):
            kill(server)
            witness.wait(returns=times)
        kill(server)
        witness.wait(losses=1)

    assert "again and again" in str(witness.losses[0])
    assert len(witness.ends) == 3


def test_who_stops_in_order_does_not_wait_and_is_told_nothing(cluster_directory: Path) -> None:
    server, witness = EmbeddedServer(cluster_directory, fast=True), Witness()
    with server:
        with Supervision(server, witness):
            began = time.monotonic()
        took = time.monotonic() - began

    assert took < 1
    assert (witness.ends, witness.returns, witness.losses) == ([], [], [])
