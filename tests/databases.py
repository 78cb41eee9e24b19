"""Real databases for the tests: one server for the whole session, a fresh and migrated database wherever one is asked.

The server is an embedded one of the session's own. With ``AUTOMATION_TEST_ADMIN_URL``, the URL of a superuser of any
PostgreSQL from 15 on, it is that one: the same tests run there, in databases and with login roles whose names begin
with ``automation_test``. The databases are dropped afterwards, the roles stay.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from automation.storage import migration
from automation.storage.embedded import EmbeddedServer

ADMIN_URL = "AUTOMATION_TEST_ADMIN_URL"

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
    """

    def __init__(self, urls: DatabaseUrls) -> None:
        self._urls = urls
        self._template: str | None = None

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[DatabaseUrls]:
        """Give a fresh database, dropped at the end with everybody who is still connected."""
        name = self._create(self._migrated_template() if migrated else "template0")
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

    def close(self) -> None:
        """Drop what the cluster keeps for itself."""
        if self._template is not None:
            self._drop(self._template)

    def _migrated_template(self) -> str:
        if self._template is None:
            self._template = self._create("template0")
            migration.upgrade(self._urls_of(self._template).owner)
        return self._template

    def _create(self, template: str) -> str:
        name = f"automation_test_{uuid4().hex[:12]}"
        owner = psycopg.conninfo.conninfo_to_dict(self._urls.owner)["user"]
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} ENCODING 'UTF8' STRATEGY file_copy")
        names = (sql.Identifier(part) for part in (name, str(owner), template))
        with self.admin() as admin:
            admin.execute(statement.format(*names))
        return name

    def _drop(self, name: str) -> None:
        with self.admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _urls_of(self, database: str) -> DatabaseUrls:
        urls = self._urls
        return DatabaseUrls(*(_at(url, database) for url in (urls.owner, urls.api, urls.worker, urls.admin)))


@contextmanager
def running_cluster(directory: Path) -> Iterator[Cluster]:
    """Give the session's server; an embedded one keeps its data below ``directory``."""
    admin = os.environ.get(ADMIN_URL)
    if admin is not None:
        cluster = Cluster(_provide_logins(admin))
        try:
            yield cluster
        finally:
            cluster.close()
        return
    server = EmbeddedServer(directory, fast=True)
    urls = server.start()
    try:
        yield Cluster(DatabaseUrls(urls.owner, urls.api, urls.worker, urls.admin))
    finally:
        server.discard()


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
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member)))
        if admin.info.server_version >= 160_000:
            # Before, CREATEROLE is enough.
            admin.execute("GRANT automation_directory TO automation_test_owner WITH INHERIT FALSE, SET TRUE")
    owner, api, worker = (as_role(admin_url, login) for login in _LOGINS)
    return DatabaseUrls(owner, api, worker, admin_url)
