"""Real databases for the tests: one server for a whole run, a fresh and migrated database wherever one is asked.

The server is an embedded one of the run's own, in memory (``tests/memory.py``): the first of the run's processes that
needs it starts it, the last one out deletes it. With ``AUTOMATION_TEST_ADMIN_URL``, the URL of a superuser of any
PostgreSQL from 15 on, it is that one: the same tests run there, in databases and with login roles whose names begin
with ``automation_test``. The databases are dropped afterwards, the roles stay.

A fresh database is a copy of the run's template, which is migrated once, whichever process comes first. The files are
copied (STRATEGY file_copy): that took 44 ms where copying through the log took 73 ms. With
``AUTOMATION_TEST_TEMPLATE``, a directory, runs that come one after the other on one server of their own share the
template: the first one makes it, and notes it there.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from automation.storage import migration
from automation.storage.embedded import EmbeddedServer
from automation.storage.restrictions import restrict_database, restrict_login
from tests import memory

ADMIN_URL = "AUTOMATION_TEST_ADMIN_URL"
TEMPLATE = "AUTOMATION_TEST_TEMPLATE"

_PASSWORD = "automation-test"
_GROUPS = ("automation_api", "automation_worker", "automation_directory")
_LOGINS = {
    "automation_test_owner": "CREATEROLE INHERIT",
    "automation_test_api": "INHERIT",
    "automation_test_worker": "INHERIT",
}
_MEMBERS = (
    ("automation_api", "automation_test_api"),
    ("automation_worker", "automation_test_worker"),
)


@dataclass(frozen=True)
class DatabaseUrls:
    """One database: as its owner, as the API's and the workers' login, and as a superuser."""

    owner: str
    api: str
    worker: str
    admin: str


class Cluster:
    """A PostgreSQL server with the login roles that the tests use.

    Args:
        urls: Any database of the server, by each role.
        place: Where those who share the server agree on who makes the template.
    """

    def __init__(self, urls: DatabaseUrls, place: Path) -> None:
        self._urls = urls
        self._place = place

    @property
    def admin_url(self) -> str:
        """The URL of a superuser, for :data:`ADMIN_URL` of another run."""
        return self._urls.admin

    @contextmanager
    def database(self, *, migrated: bool = True, tablespace: str = "pg_default") -> Iterator[DatabaseUrls]:
        """Give a fresh database, dropped at the end with everybody who is still connected."""
        name = self._create(self._migrated_template() if migrated else "template0", tablespace=tablespace)
        try:
            yield self._urls_of(name)
        finally:
            self._drop(name)

    @contextmanager
    def tablespace(self, directory: Path) -> Iterator[str]:
        """Give the name of a tablespace in a directory that is the server's; dropped at the end, and empty by then."""
        name = f"automation_test_{uuid4().hex[:12]}"
        with self.admin() as admin:
            admin.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier(name), str(directory)))
        try:
            yield name
        finally:
            with self.admin() as admin:
                admin.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(name)))

    @contextmanager
    def encoded(self, encoding: str) -> Iterator[DatabaseUrls]:
        """Give an empty database in another encoding than the service's, dropped at the end."""
        name = self._create("template0", encoding)
        try:
            yield self._urls_of(name)
        finally:
            self._drop(name)

    @contextmanager
    def role(self, attributes: str = "", *member_of: str) -> Iterator[str]:
        """Give the name of a fresh login role, for :func:`as_role`; dropped at the end, and must own nothing then.

        Args:
            attributes: As in CREATE ROLE.
            member_of: Roles that it is a member of.
        """
        name = f"automation_test_{uuid4().hex[:12]}"
        with self.admin() as admin:
            admin.execute(sql.SQL(f"CREATE ROLE {name} LOGIN PASSWORD '{_PASSWORD}' {attributes}"))
            for group in member_of:
                admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        try:
            yield name
        finally:
            with self.admin() as admin:
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def admin(self, database: str | None = None) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect as the superuser, in autocommit mode."""
        url = self._urls.admin if database is None else _at(self._urls.admin, database)
        return psycopg.connect(url, autocommit=True)

    def forget(self) -> None:
        """Drop the template, once no process needs it any more, unless other runs do."""
        if TEMPLATE not in os.environ and self._noted.exists():
            self._drop(self._noted.read_text())
            self._noted.unlink()

    def _migrated_template(self) -> str:
        with _alone_in(self._noted.parent):
            if not self._noted.exists():
                name = self._create("template0")
                migration.upgrade(self._urls_of(name).owner)
                with self.admin(name) as admin:
                    restrict_database(admin)
                self._noted.write_text(name)
        return self._noted.read_text()

    @property
    def _noted(self) -> Path:
        return Path(os.environ.get(TEMPLATE, self._place)) / "template"

    def _create(self, template: str, encoding: str = "UTF8", tablespace: str = "pg_default") -> str:
        name = f"automation_test_{uuid4().hex[:12]}"
        owner = psycopg.conninfo.conninfo_to_dict(self._urls.owner)["user"]
        locale = "" if encoding == "UTF8" else "LOCALE_PROVIDER libc LOCALE 'C'"
        statement = sql.SQL(
            f"CREATE DATABASE {{}} OWNER {{}} TEMPLATE {{}} TABLESPACE {{}} ENCODING '{encoding}' {locale}"
            " STRATEGY file_copy"
        )
        names = (sql.Identifier(part) for part in (name, str(owner), template, tablespace))
        with self.admin() as admin:
            admin.execute(statement.format(*names))
            if template != "template0":  # what a migration says of the database itself isn't copied
                admin.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        return name

    def _drop(self, name: str) -> None:
        with self.admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _urls_of(self, database: str) -> DatabaseUrls:
        urls = self._urls
        return DatabaseUrls(*(_at(url, database) for url in (urls.owner, urls.api, urls.worker, urls.admin)))


@contextmanager
def running_cluster(place: Path) -> Iterator[Cluster]:
    """Give the run's server to one of its processes.

    Args:
        place: The directory that the run's processes share; an embedded server keeps its data below it.
    """
    place.mkdir(exist_ok=True)
    with (place / "users").open("w") as users:
        with _alone_in(place):
            fcntl.flock(users, fcntl.LOCK_SH)
            server = None if ADMIN_URL in os.environ else EmbeddedServer(_data_directory(place), fast=True)
            cluster = Cluster(_provide_logins(os.environ[ADMIN_URL]) if server is None else _urls(server), place)
        try:
            yield cluster
        finally:
            with _alone_in(place):
                _leave(cluster, server, place, last=_is_last(users))


def _data_directory(place: Path) -> Path:
    """Return where the run's server has its data: in memory where that can be, else below ``place``."""
    directory = place / "server"
    if directory.exists():
        return directory
    for run in memory.runs():
        if run != place and not is_alive(run):
            EmbeddedServer(memory.place_of(run)).discard()
            memory.give_back(run)
    return memory.place_of(place) if memory.provide(place) else directory


def is_alive(place: Path) -> bool:
    """Say whether another run has its server, and uses it; its directory may be gone already."""
    try:
        with (place / "lock").open("r") as lock, (place / "users").open("r") as users:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _urls(server: EmbeddedServer) -> DatabaseUrls:
    urls = server.start()
    return DatabaseUrls(urls.owner, urls.api, urls.worker, urls.admin)


def _leave(cluster: Cluster, server: EmbeddedServer | None, place: Path, *, last: bool) -> None:
    if last:
        cluster.forget()
    if server is not None:
        server.discard() if last else server.stop()
    if last:
        memory.give_back(place)


def _is_last(users: IO[str]) -> bool:
    """Say whether no other process of the run uses the server: a dead one's lock is gone with it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def as_role(url: str, role: str) -> str:
    """Return the URL with another of the cluster's login roles."""
    parts = urlsplit(url)
    location = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(role)}:{quote(_PASSWORD)}@{location}").geturl()


def _at(url: str, database: str) -> str:
    # Not geturl(), which drops an empty host's slashes.
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{quote(database)}{query}"


def _provide_logins(admin_url: str) -> DatabaseUrls:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        present = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles")}
        for group in _GROUPS:
            if group not in present:
                admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
        for login, attributes in _LOGINS.items():
            verb = "ALTER" if login in present else "CREATE"
            admin.execute(sql.SQL(f"{verb} ROLE {login} LOGIN PASSWORD '{_PASSWORD}' {attributes}"))
        for group, member in _MEMBERS:
            restrict_login(admin, member)
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member)))
        if admin.info.server_version >= 160_000:
            # Before, CREATEROLE is enough.
            admin.execute("GRANT automation_directory TO automation_test_owner WITH INHERIT FALSE, SET TRUE")
    owner, api, worker = (as_role(admin_url, login) for login in _LOGINS)
    return DatabaseUrls(owner, api, worker, admin_url)


@contextmanager
def _alone_in(place: Path) -> Iterator[None]:
    """Hold off the run's other processes."""
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
