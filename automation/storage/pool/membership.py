"""Membership of the database's login in the group of its process: without it, requests fail one by one."""

from enum import StrEnum

from psycopg.rows import dict_row

from automation.storage.pool.database import Database
from automation.storage.pool.privileges import UnfitRole

# USAGE: its privileges count without SET ROLE. Where the group is missing, the database was never migrated.
_MEMBERSHIP = b"""
SELECT session_user::text AS role, format('GRANT %%I TO %%I', %(group)s::text, session_user) AS remedy,
       coalesce(pg_has_role(session_user, to_regrole(%(group)s::text)::oid, 'USAGE'), true) AS fit
"""


class Group(StrEnum):
    """The groups that hold what the service's logins may do."""

    API = "automation_api"
    WORKER = "automation_worker"


class MissingRole(UnfitRole):
    """The role lacks the group whose privileges it needs."""


async def require_member(database: "Database", group: Group) -> None:
    """Return if the database's login has the privileges of a group, or there is no such group yet.

    Raises:
        MissingRole: where it has not.
        UnsafeRole: where row-level security does not bind it.
        Unavailable: where the database cannot be reached.
    """
    row = await database.fetch_one(_MEMBERSHIP, {"group": group.value}, dict_row)
    if row is not None and not row["fit"]:
        raise MissingRole(
            f'the database role "{row["role"]}" does not have the privileges of {group}: take a login that is a member '
            f"of it, or make this one a member ({row['remedy']})"
        )
