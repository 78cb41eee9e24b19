"""Temporary directories of sockets that killed servers leave: told from those that are in use, or somebody else's."""

from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, sockets
from automation.storage.embedded.leftovers import Outcome
from tests.storage.embedded.companions import prune

pytestmark = pytest.mark.usefixtures("system_directory")


@pytest.fixture
def socket_directory(open_directory: Path) -> Path:
    """A private temporary directory, named as one of ours."""
    return Path(mkdtemp(prefix=sockets.PREFIX, dir=open_directory)).resolve()


def test_a_temporary_directory_of_a_killed_servers_socket_is_removed(socket_directory: Path) -> None:
    (socket_directory / sockets.OWNER).symlink_to("/no/such/home")

    assert [(one.path, one.outcome) for one in prune()] == [(socket_directory, Outcome.REMOVED)]
    assert not socket_directory.exists()


def test_a_temporary_directory_of_an_earlier_versions_socket_is_removed(socket_directory: Path) -> None:
    (socket_directory / f"{sockets.NAME}.lock").write_text("4711\n/no/such/home/data\n1792\n5432\n")

    assert [(one.path, one.outcome) for one in prune()] == [(socket_directory, Outcome.REMOVED)]


@pytest.mark.parametrize("written", ["no/such/home/data", "/no/such\0home/data"], ids=["relative", "a NUL"])
def test_a_temporary_directory_that_names_no_place_is_kept(socket_directory: Path, written: str) -> None:
    (socket_directory / f"{sockets.NAME}.lock").write_text(f"4711\n{written}\n1792\n5432\n")

    assert prune() == []
    assert socket_directory.exists()


def test_a_temporary_directory_whose_owner_is_a_relative_path_is_kept(socket_directory: Path) -> None:
    (socket_directory / sockets.OWNER).symlink_to("no/such/home")

    assert prune() == []
    assert socket_directory.exists()


@pytest.mark.parametrize("name", ["notes.txt", None])
def test_a_temporary_directory_of_another_programs_is_kept(socket_directory: Path, name: str | None) -> None:
    if name is not None:
        (socket_directory / name).touch()
        (socket_directory / sockets.OWNER).symlink_to("/no/such/home")

    assert prune() == []
    assert socket_directory.exists()


def test_a_temporary_directory_that_its_cluster_leads_to_is_kept(socket_directory: Path, tmp_path: Path) -> None:
    (socket_directory / sockets.OWNER).symlink_to(tmp_path)
    (tmp_path / "socket").symlink_to(socket_directory)

    assert prune() == []
    assert socket_directory.exists()


def test_a_temporary_directory_with_a_live_socket_is_kept(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "LONGEST", 60)
    directory = open_directory / ("long" * 20)
    with EmbeddedServer(directory, fast=True) as urls, psycopg.connect(urls.owner) as connection:
        used = (directory / "postgres" / "socket").readlink()
        (directory / "postgres" / "socket").unlink()

        assert prune() == []
        assert connection.execute("SELECT 1").fetchone() == (1,)
        (directory / "postgres" / "socket").symlink_to(used)

    assert not used.exists()
