"""Commands find their database, from the settings down to the system's user that the embedded server runs as."""

import os
import pwd
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from automation.service import databases
from automation.service.settings import Settings
from automation.storage.embedded import EmbeddedServer, EmbeddedServerError, account

ROOT = Path(__file__).parents[2]


@pytest.fixture
def missing_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service's own system user, under a name that this machine doesn't have; gone after the test."""
    if os.geteuid() != 0:
        pytest.skip("THAT THE SYSTEM USER IS CREATED IS NOT TESTED HERE: only root can create one")
    name = f"automation-{secrets.token_hex(4)}"
    monkeypatch.setattr(account, "DEFAULT_NAME", name)
    yield name
    if is_present(name):
        subprocess.run(["/usr/sbin/userdel", name], check=True)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """An operator's settings who asks for the embedded server, and for nothing else; its cluster goes with the test."""
    directory = tmp_path / "data"
    yield Settings(database_url=SecretStr("embedded"), data_dir=directory)
    EmbeddedServer(directory).discard()


@pytest.mark.process
def test_the_services_own_user_is_created_where_the_settings_name_none(missing_user: str, settings: Settings) -> None:
    with databases.for_administration(settings, may_make=True):
        owner = (settings.data_dir / "postgres" / "data").owner()
    EmbeddedServer(settings.data_dir).discard()

    assert owner == missing_user


def test_a_user_that_the_settings_name_is_never_created(missing_user: str, settings: Settings) -> None:
    named = settings.model_copy(update={"embedded_user": missing_user})

    with (
        pytest.raises(EmbeddedServerError, match=f"There is no user '{missing_user}' on this machine"),
        databases.for_administration(named, may_make=True),
    ):
        pass

    assert not is_present(missing_user)


@pytest.mark.process
def test_where_an_empty_database_is_made_is_said_when_it_is_made(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(structlog, "is_configured", lambda: False)  # whatever other tests have set up
    said = []
    for _ in range(2):
        with databases.for_administration(settings, may_make=True):
            said.append(capsys.readouterr().err)

    assert said[0].startswith(f"automation: making an empty database in {settings.data_dir} (AUTOMATION_DATA_DIR")
    assert said[1] == ""


@pytest.mark.parametrize("page", ["README.md", "docs/operating.md"])
def test_the_services_own_user_is_called_in_the_guides_what_it_is_called(page: str) -> None:
    assert f"`{account.DEFAULT_NAME}`" in (ROOT / page).read_text()


def test_the_settings_say_which_user_it_is_by_default() -> None:
    described = Settings.model_fields["embedded_user"].description

    assert described is not None
    assert account.DEFAULT_NAME in described


def is_present(name: str) -> bool:
    """Say whether this machine has a user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_a_command_about_a_database_makes_none(settings: Settings) -> None:
    with pytest.raises(databases.DatabaseNotNamed, match=r"There is no database in .*automation db upgrade"):
        databases.for_administration(settings).__enter__()

    assert not settings.data_dir.exists()
