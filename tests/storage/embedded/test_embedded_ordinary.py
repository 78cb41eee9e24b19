"""An ordinary user's embedded server: everything in place, also in a checkout below a home that nobody else enters."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from automation.storage.embedded import programs
from tests.storage.embedded.companions import modes

PACKAGES = ("automation", "psycopg", "psycopg_binary", "typing_extensions", programs.PACKAGE)

SCRIPT = """
import json, os, psycopg, sys
from pathlib import Path
from automation.storage.embedded import EmbeddedServer

directory = Path(sys.argv[1])
for attempt in range(2):
    server = EmbeddedServer(directory, fast=True)
    with server as urls, psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS starts (attempt int)")
        connection.execute("INSERT INTO starts VALUES (1)")
        (starts,) = connection.execute("SELECT count(*) FROM starts").fetchone()
        socket = psycopg.conninfo.conninfo_to_dict(urls.owner)["host"]
        pid = server.postmaster_pid()
print(json.dumps({
    "starts": starts,
    "owner": os.stat(directory / "postgres" / "data").st_uid,
    "linked": (directory / "postgres").is_symlink(),
    "mode": oct(os.stat(directory).st_mode & 0o777),
    "socket": socket,
    "process left": os.path.exists(f"/proc/{pid}"),
}))
"""


@dataclass(frozen=True)
class Person:
    """An unprivileged user with a home of mode 0700, in which the packages of a checkout are."""

    home: Path
    user: int
    python: str

    def use(self, directory: Path) -> dict[str, object]:
        """Start and stop the server of a data directory twice, and return what was seen."""
        done = run(self.python, SCRIPT, home=self.home, user=self.user, argument=directory)
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    """The user who runs the tests, or ``nobody`` when that is root."""
    home = Path(mkdtemp(prefix="home-"))
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    for package in PACKAGES:
        install(package, home / "site")
    give(home, user)
    yield Person(home, user, find_python(home, user))
    shutil.rmtree(home)


def test_everything_is_in_place_below_a_home_that_nobody_else_enters(person: Person) -> None:
    before = modes(person.home, person.home / "site" / programs.PACKAGE)
    directory = person.home / "$HOME `id` \\ 100% & + = ? # Ü"

    seen = person.use(directory)

    assert seen == {
        "starts": 2,
        "owner": person.user,
        "linked": False,
        "mode": "0o700",
        "socket": str(directory / "postgres" / "socket"),
        "process left": False,
    }
    assert modes(*before) == before


@pytest.mark.parametrize("name", ["/".join(["long" * 20] * 2), "a, b 'c' \"d\""], ids=["too long", "lists' characters"])
def test_a_path_that_can_not_hold_a_socket_has_it_in_a_private_temporary_directory(person: Person, name: str) -> None:
    seen = person.use(person.home / name)

    assert (seen["starts"], seen["process left"]) == (2, False)
    assert not str(seen["socket"]).startswith(str(person.home))
    assert not Path(str(seen["socket"])).exists()


def install(package: str, site: Path) -> None:
    """Copy an installed package, and the libraries that lie beside it."""
    specification = find_spec(package)
    assert specification is not None
    assert specification.origin is not None
    site.mkdir(exist_ok=True)
    if specification.submodule_search_locations is None:
        shutil.copy(specification.origin, site)
        return
    source = Path(specification.origin).parent
    ignored = shutil.ignore_patterns("pginstall", "include", "*.a", "__pycache__")
    for directory in (source, source.with_name(f"{package}.libs")):
        if directory.is_dir():
            shutil.copytree(directory, site / directory.name, ignore=ignored)


def give(home: Path, user: int) -> None:
    """Make a user the owner of a home and of all that is in it."""
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, user, -1, follow_symlinks=False)


def find_python(home: Path, user: int) -> str:
    """Return an interpreter that a user can run with the packages in a home; skip where there is none."""
    system = f"/usr/bin/python3.{sys.version_info.minor}"
    for candidate in (sys.executable, system):
        if run(candidate, "import psycopg", home=home, user=user).returncode == 0:
            return candidate
    pytest.skip(
        "AN ORDINARY USER'S SERVER IS NOT TESTED HERE: they have no interpreter,"
        f" neither {sys.executable} nor {system} runs as the user {user}"
    )


def run(
    python: str, script: str, *, home: Path, user: int, argument: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script as a user; code 126 where that user can't even start the interpreter."""
    become = user if os.geteuid() == 0 else None
    environment = {"HOME": str(home), "PYTHONPATH": str(home / "site"), "PATH": os.defpath}
    try:
        return subprocess.run(
            [python, "-c", script, *([argument] if argument else [])],
            check=False,
            text=True,
            capture_output=True,
            cwd=home,
            env=environment,
            timeout=120,
            user=become,
            group=become,
            extra_groups=None if become is None else [],
        )
    except OSError as error:
        return subprocess.CompletedProcess([python], 126, "", str(error))
