"""Roles that the embedded server has before the first migration: an administrator would create them by hand.

The group roles hold the privileges that the migrations grant; the logins are their members. No login is a superuser or
bypasses row-level security, so that demonstrations and tests run under the same rules as production.
"""

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from automation.storage.restrictions import restrict_database, restrict_login

SUPERUSER = "postgres"
DATABASE = "automation"
OWNER = "automation_owner"
API = "automation_api"
WORKER = "automation_worker"
DIRECTORY = "automation_directory"
API_LOGIN = "automation_api_login"
WORKER_LOGIN = "automation_worker_login"

_ROLES = {
    OWNER: "LOGIN CREATEROLE",
    API: "NOLOGIN",
    WORKER: "NOLOGIN",
    DIRECTORY: "NOLOGIN",
    API_LOGIN: "LOGIN",
    WORKER_LOGIN: "LOGIN",
}

_MEMBERS = (
    # The owner administers the groups and can give objects to them, but doesn't inherit from them: policies and grants
    # that are meant for them must not be what makes the owner's statements work.
    (API, OWNER, "ADMIN TRUE, INHERIT FALSE, SET TRUE"),
    (WORKER, OWNER, "ADMIN TRUE, INHERIT FALSE, SET TRUE"),
    (DIRECTORY, OWNER, "ADMIN TRUE, INHERIT FALSE, SET TRUE"),
    (API, API_LOGIN, "ADMIN FALSE, INHERIT TRUE, SET FALSE"),
    (WORKER, WORKER_LOGIN, "ADMIN FALSE, INHERIT TRUE, SET FALSE"),
)


def provide(connection: psycopg.Connection) -> None:
    """Create the roles and the database that are missing.

    Args:
        connection: The superuser's, in autocommit mode, because CREATE DATABASE can't run in a transaction.
    """
    present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    for role, attributes in _ROLES.items():
        if role not in present:
            connection.execute(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(role)))
    if not present.issuperset(_ROLES):
        _grant_memberships(connection)
        for login in (API_LOGIN, WORKER_LOGIN):
            restrict_login(connection, login)
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
        with psycopg.connect(make_conninfo(connection.info.dsn, dbname=DATABASE), autocommit=True) as created:
            restrict_database(created)


def _grant_memberships(connection: psycopg.Connection) -> None:
    for group, member, options in _MEMBERS:
        statement = sql.SQL("GRANT {} TO {} WITH " + options)
        connection.execute(statement.format(sql.Identifier(group), sql.Identifier(member)))
