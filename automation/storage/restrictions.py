"""Restrictions that only an administrator can make, for what PostgreSQL lets everybody do and nobody here needs.

The migrations revoke what the database's owner can: temporary tables, and tables in the schema ``public``. Decision 31
says what is left.
"""

import psycopg
from psycopg import sql

LARGE_OBJECTS = b"""
REVOKE EXECUTE ON FUNCTION
    pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)
FROM PUBLIC
"""
"""Nobody makes large objects: they belong to no table, so that no policy and no quota sees them."""

TEMPORARY_FILES = "1GB"
"""How much a login's sorts and joins may write beside the tables."""


def restrict_database(connection: psycopg.Connection) -> None:
    """Restrict what everybody may do in the database that a superuser is connected to."""
    connection.execute(LARGE_OBJECTS)


def restrict_login(connection: psycopg.Connection, login: str) -> None:
    """Restrict a login, in all databases; a superuser is connected."""
    statement = sql.SQL("ALTER ROLE {} SET temp_file_limit = {}")
    connection.execute(statement.format(sql.Identifier(login), TEMPORARY_FILES))
