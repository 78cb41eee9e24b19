"""Refuses database roles that row-level security does not bind: with one of them, a forgotten predicate is a leak."""

from psycopg.rows import dict_row

from automation.storage.pool.connections import Connection

# Membership counts as being: a member may become the role with SET ROLE.
_QUESTION = b"""
SELECT session_user::text AS role, CASE
    WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER'))
        THEN 'is a superuser'
    WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolbypassrls AND pg_has_role(session_user, r.oid, 'MEMBER'))
        THEN 'has BYPASSRLS'
    WHEN EXISTS (SELECT FROM pg_database d
                 WHERE d.datname = current_database() AND pg_has_role(session_user, d.datdba, 'MEMBER'))
        THEN 'owns the database'
    WHEN EXISTS (SELECT FROM pg_class c
                 WHERE c.relnamespace IN (to_regnamespace('public'), to_regnamespace('procrastinate'))
                 AND c.relkind IN ('r', 'p') AND pg_has_role(session_user, c.relowner, 'MEMBER'))
        THEN 'owns tables'
    WHEN EXISTS (SELECT FROM pg_roles r
                 WHERE r.rolname = 'automation_directory' AND pg_has_role(session_user, r.oid, 'MEMBER'))
        THEN 'is a member of automation_directory'
END AS fault
"""


class UnfitRole(Exception):
    """The service's database role is not the one for it; the message says which and why, in one line."""


class UnsafeRole(UnfitRole):
    """The role is more than it may be."""


async def refusal(connection: Connection) -> UnsafeRole | None:
    """Return why the connection's role must not be used, None if it may be."""
    cursor = await connection.run(_QUESTION, (), rows=dict_row)
    row = await cursor.fetchone()
    if row is None or row["fault"] is None:
        return None
    return UnsafeRole(
        f'The database role "{row["role"]}" {row["fault"]}, itself or through a role it is a member of: row-level '
        "security would not bind it. Use a login role that is a member of automation_api alone, or of "
        "automation_worker for a worker."
    )
