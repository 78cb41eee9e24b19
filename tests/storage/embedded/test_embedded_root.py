"""Root's embedded server: run by somebody else, from where that user gets to, and no directory opened on the way."""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError, account, programs
from tests.storage.embedded.companions import modes
from tests.storage.embedded.conftest import discard

pytestmark = pytest.mark.usefixtures("as_root")


@pytest.fixture
def hidden_programs(data_directory: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """PostgreSQL's programs installed where only root can reach them, and a system directory without a copy yet."""
    hidden = data_directory.parent / "site"
    hidden.mkdir(mode=0o700)
    ignored = shutil.ignore_patterns("pginstall", "include", "__pycache__")
    for part in (programs._package(), programs._package().with_name(f"{programs.PACKAGE}.libs")):
        if part.is_dir():
            shutil.copytree(part, hidden / part.name, copy_function=os.link, ignore=ignored)
    monkeypatch.syspath_prepend(hidden)
    monkeypatch.setattr(programs, "SYSTEM_DIRECTORY", open_directory / "system")
    yield hidden
    discard(data_directory)


def test_the_server_runs_as_a_user_of_its_own_and_the_cluster_is_its(cluster_directory: Path) -> None:
    server = EmbeddedServer(cluster_directory, fast=True)
    server.start()

    process = psutil.Process(server.postmaster_pid())
    user, groups = process.username(), os.getgrouplist(account.DEFAULT_NAME, process.gids().real)
    owner = (cluster_directory / "postgres" / "data").owner()
    server.stop()

    assert user == owner == account.DEFAULT_NAME
    assert 0 not in groups


def test_a_cluster_that_could_not_be_entered_is_placed_elsewhere_and_found_again(cluster_directory: Path) -> None:
    entrance = cluster_directory / "postgres"

    home = entrance.readlink()

    assert home.parent == programs.SYSTEM_DIRECTORY / "clusters"
    assert home.stat().st_uid == 0


def test_no_directory_that_was_there_before_has_its_permissions_changed(data_directory: Path) -> None:
    everything = [data_directory.parent, programs._package(), Path(os.__file__).parent]
    before = modes(*everything)

    with EmbeddedServer(data_directory, fast=True) as urls, psycopg.connect(urls.owner) as connection:
        connection.execute("SELECT 1")

    assert modes(*everything) == before


def test_programs_that_could_not_be_reached_are_copied_once_whatever_the_umask(
    data_directory: Path, hidden_programs: Path
) -> None:
    copies = programs.SYSTEM_DIRECTORY / "programs"
    before = modes(hidden_programs / programs.PACKAGE / programs.INSTALLATION / "bin" / "postgres")
    usual = os.umask(0o077)

    try:
        with EmbeddedServer(data_directory, fast=True) as urls, psycopg.connect(urls.owner) as connection:
            row = connection.execute("SELECT to_tsvector('english', 'running')::text").fetchone()
        made = [path.stat().st_ino for path in copies.iterdir()]
        with EmbeddedServer(data_directory, fast=True):
            found = [path.stat().st_ino for path in copies.iterdir()]
    finally:
        os.umask(usual)

    assert row == ("'run':1",)
    assert len(made) == 1
    assert found == made
    assert modes(*before) == before


def test_a_directory_that_can_be_entered_holds_the_cluster_and_whoever_made_it_runs_it(open_directory: Path) -> None:
    with EmbeddedServer(open_directory, fast=True, user="nobody"):
        data = open_directory / "postgres" / "data"
        owner, linked = data.owner(), data.parent.is_symlink()
    again = EmbeddedServer(open_directory, fast=True)

    urls = again.start()
    user = psutil.Process(again.postmaster_pid()).username()
    again.stop()

    assert (owner, user) == ("nobody", "nobody")
    assert not linked
    assert f"host={open_directory}/postgres/socket" in urls.owner


@pytest.mark.parametrize(
    ("user", "reason"),
    [("no-such-user", "There is no user 'no-such-user'"), ("root", "PostgreSQL doesn't run as root")],
)
def test_a_user_that_will_not_do_is_one_clear_error(data_directory: Path, user: str, reason: str) -> None:
    with pytest.raises(EmbeddedServerError, match=f"{reason}.*AUTOMATION_EMBEDDED_USER"):
        EmbeddedServer(data_directory, user=user).start()


def test_a_user_that_can_not_be_created_is_one_clear_error(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "DEFAULT_NAME", "not:a:name")

    with pytest.raises(EmbeddedServerError, match=r"can't be created: .*AUTOMATION_EMBEDDED_USER"):
        EmbeddedServer(data_directory).start()


def test_the_servers_user_is_a_system_user_without_a_shell(cluster_directory: Path) -> None:
    owner = (cluster_directory / "postgres" / "data").stat().st_uid

    assert pwd.getpwuid(owner).pw_shell == "/usr/sbin/nologin"
