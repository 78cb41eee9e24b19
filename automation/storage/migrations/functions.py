"""Installs the functions of ``sql/``: each complete in a file of its own, with the grants that belong to it.

A file that has been released never changes. What a function does differently is a new file, ``<function>_v<N+1>.sql``,
installed by a migration of its own: processes of two versions run side by side, each with the functions it knows.
"""

from pathlib import Path

from alembic import op

DIRECTORY = Path(__file__).parent / "sql"
"""Where the files are."""

# To give a function away one must be able to become its new owner, who must be allowed to create in the schema: both
# for this moment only. A role with CREATEROLE may grant itself that, a superuser need not. Whoever is not the schema's
# owner is only warned that nothing was granted.
_PREPARE = """
DO $$
DECLARE
    sixteen constant boolean := current_setting('server_version_num')::integer >= 160000;
    able constant boolean := pg_has_role(
        current_user, 'automation_directory', CASE WHEN sixteen THEN 'SET' ELSE 'MEMBER' END);
BEGIN
    PERFORM set_config('automation.able', able::text, true);
    IF NOT able THEN
        EXECUTE 'GRANT automation_directory TO CURRENT_USER'
            || CASE WHEN sixteen THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
    END IF;
    GRANT CREATE ON SCHEMA public TO automation_directory;
    IF NOT has_schema_privilege('automation_directory', 'public', 'CREATE') THEN
        RAISE insufficient_privilege USING MESSAGE = 'the schema public belongs to another role';
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING MESSAGE = format(
            'this role may not give functions to automation_directory (%s); '
            'it must own the database, and an administrator runs: GRANT automation_directory TO %I',
            SQLERRM, current_user);
END
$$
"""
_TIDY = """
DO $$
BEGIN
    REVOKE CREATE ON SCHEMA public FROM automation_directory;
    IF NOT current_setting('automation.able')::boolean THEN
        REVOKE automation_directory FROM CURRENT_USER;
    END IF;
END
$$
"""


def install(*names: str) -> None:
    """Create functions, by the names of their files.

    Args:
        names: ``count_things_v1`` stands for ``sql/count_things_v1.sql``.
    """
    connection = op.get_bind()
    connection.exec_driver_sql(_PREPARE)
    for name in names:
        connection.exec_driver_sql((DIRECTORY / f"{name}.sql").read_text(encoding="utf-8"))
    connection.exec_driver_sql(_TIDY)


def drop(*names: str) -> None:
    """Drop functions."""
    op.get_bind().exec_driver_sql(f"DROP FUNCTION {', '.join(names)}")
