"""Real servers whose users were killed or whose data directory was removed: never disturbed while anybody uses them."""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError, belonging, leftovers
from automation.storage.embedded.leftovers import Leftover, Outcome
from tests.storage.embedded.companions import abandoned_server, prune

pytestmark = pytest.mark.usefixtures("as_root", "system_directory")


@pytest.fixture
def directory(tmp_path: Path, system_directory: Path) -> Path:
    """A data directory with a cluster that lies elsewhere, and that nobody uses."""
    made = tmp_path / "hidden" / "data"
    made.parent.mkdir(mode=0o700)
    with EmbeddedServer(made, fast=True):
        pass
    return made


@pytest.fixture
def home(directory: Path) -> Path:
    """Where that cluster lies."""
    return (directory / "postgres").readlink()


def test_the_next_start_of_any_server_removes_it_and_says_so(directory: Path, home: Path, tmp_path: Path) -> None:
    said: list[str] = []
    shutil.rmtree(directory)

    with EmbeddedServer(tmp_path / "other", fast=True, report=said.append):
        present = home.exists()

    assert not present
    assert said == [f"{home}: removed, its data directory {directory} is gone"]


def test_a_data_directory_that_was_put_aside_keeps_its_cluster_when_another_takes_its_place(
    directory: Path, home: Path, tmp_path: Path
) -> None:
    aside = tmp_path / "some" / "where" / "else"
    aside.parent.mkdir(parents=True)
    directory.rename(aside)

    with EmbeddedServer(directory, fast=True):
        pass

    assert (aside / "postgres").readlink() == home
    assert home.exists()


def test_a_data_directory_that_was_emptied_and_started_again_loses_its_former_cluster(
    directory: Path, home: Path
) -> None:
    shutil.rmtree(directory)

    with EmbeddedServer(directory, fast=True):
        pass

    assert (directory / "postgres").readlink() != home
    assert not home.exists()


def test_what_a_process_uses_is_kept_although_the_data_directory_is_gone(directory: Path, home: Path) -> None:
    server = EmbeddedServer(directory, fast=True)
    urls = server.start()
    shutil.rmtree(directory)

    found = prune()

    assert found == [Leftover(home, Outcome.KEPT, "a process uses it")]
    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    assert [one.outcome for one in prune()] == [Outcome.REMOVED]


def test_a_server_that_still_has_a_client_is_kept_although_its_users_were_killed(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with abandoned_server(directory) as (owner, home), psycopg.connect(owner) as connection:
        shutil.rmtree(directory)

        found = prune()

        assert [(one.path, one.outcome) for one in found] == [(home, Outcome.KEPT)]
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_nobody_uses_any_more_is_stopped_and_its_cluster_removed(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with abandoned_server(directory) as (_, home):
        shutil.rmtree(directory)

        deadline = time.monotonic() + 30
        found = prune()
        while found[0].outcome is Outcome.KEPT and time.monotonic() < deadline:
            found = prune()  # the backend of the killed user's connection may still be there

        assert [(one.path, one.outcome) for one in found] == [(home, Outcome.REMOVED)]
        assert "was stopped" in found[0].reason
        assert not home.exists()


def test_a_cluster_that_is_only_being_made_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Leftover] = []

    def watch(home: Path, data_directory: Path) -> None:
        belonging.link_in(data_directory, home).unlink()
        found.extend(prune())

    monkeypatch.setattr("automation.storage.embedded.cluster._CHOICES", ("--no-such-choice",))
    monkeypatch.setattr(belonging, "announce", watched(belonging.announce, watch))

    with suppress(EmbeddedServerError):
        EmbeddedServer(tmp_path / "made", fast=True).start()

    assert {one.outcome for one in found} == {Outcome.KEPT}


def test_a_server_of_an_earlier_version_is_kept_even_when_that_is_asked_for(directory: Path, home: Path) -> None:
    server = EmbeddedServer(directory, fast=True)
    server.start()
    shutil.rmtree(home / belonging.RECORDS)
    server._holds.release()

    found = prune(unclaimed=True)

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.KEPT)]
    assert server.postmaster_pid() is not None
    server.stop()


def test_a_cluster_of_an_earlier_version_says_where_it_belongs_and_is_never_removed_by_itself(
    directory: Path, home: Path
) -> None:
    shutil.rmtree(home / belonging.RECORDS)

    with EmbeddedServer(directory, fast=True):
        pass
    while_it_is_there = prune(unclaimed=True)
    shutil.rmtree(directory)

    assert while_it_is_there == []
    assert [(one.path, one.outcome) for one in prune()] == [(home, Outcome.KEPT)]
    assert [(one.path, one.outcome) for one in prune(unclaimed=True)] == [(home, Outcome.REMOVED)]


def test_a_cluster_that_is_discarded_leaves_no_record_in_its_data_directory(directory: Path, home: Path) -> None:
    recorded = belonging.link_in(directory, home).exists()

    EmbeddedServer(directory, fast=True).discard()

    assert recorded
    assert not home.exists()
    assert not belonging.link_in(directory, home).exists()


def test_a_frozen_server_is_kept_and_nobody_waits_for_it_to_count_its_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "data"
    monkeypatch.setattr(leftovers, "PATIENCE", 1)
    monkeypatch.setattr(leftovers, "_STRANGERS", "SELECT pg_sleep(3600)")  # as a backend that froze once it was there
    with abandoned_server(directory) as (_, home):
        shutil.rmtree(directory)

        found = prune()

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.KEPT)]
    assert "nobody can tell whether it is used" in found[0].reason


def watched(
    function: Callable[[Path, Path], None], watch: Callable[[Path, Path], None]
) -> Callable[[Path, Path], None]:
    """Return a function after which somebody looks on."""

    def call(home: Path, data_directory: Path) -> None:
        function(home, data_directory)
        watch(home, data_directory)

    return call
