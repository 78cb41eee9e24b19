"""Errors of administrators' commands: each message is one line, for a person.

::

    AdministrationError
    ├── Unknown
    ├── Duplicate
    ├── Unacceptable
    ├── NotOwner
    └── NotMigrated
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import psycopg
from sqlalchemy.exc import DBAPIError

from automation.storage.accounts import engine, owner


class AdministrationError(Exception):
    """The command was not carried out, and nothing was changed."""


class Unknown(AdministrationError):
    """No tenant, user, rule or key is called what the command calls it."""


class Duplicate(AdministrationError):
    """There is one already."""


class Unacceptable(AdministrationError):
    """A value is not one that can be stored."""


class Busy(AdministrationError):
    """Somebody else is doing the same and does not come to an end."""


class NotOwner(AdministrationError):
    """The database role does not own the tables."""


class NotMigrated(AdministrationError):
    """The database has no tables, or those of another version."""


_CONSTRAINTS: Mapping[str, AdministrationError] = MappingProxyType(
    {
        "tenants_name_key": Duplicate("There is a tenant of that name already."),
        "tenants_pkey": Duplicate("There is a tenant of that id already."),
        "users_tenant_email_key": Duplicate("The tenant has a user with that e-mail address already."),
        "users_pkey": Duplicate("The tenant has a user of that id already."),
        "api_keys_prefix_key": Duplicate("There is a key with that prefix already: make another."),
        "api_keys_pkey": Duplicate("There is such a key already."),
        "automation_executions_tenant_automation_rule_id_fkey": Unknown("The tenant has no rule of that id."),
        "automation_executions_rule_version_fkey": Unknown("The tenant has no rule of that id."),
        "tenants_name_check": Unacceptable("A tenant's name has 1 to 200 characters."),
        "users_email_check": Unacceptable("An e-mail address has 3 to 320 characters."),
        "api_keys_usage_limit_check": Unacceptable("A usage limit cannot be negative."),
    }
)


@contextmanager
def explained() -> Iterator[None]:
    """Raise errors of PostgreSQL as an :class:`AdministrationError`.

    Raises:
        Unavailable: where the database cannot be reached.
    """
    with engine.reachable():
        try:
            yield
        except DBAPIError as error:
            explanation = _explanation(error.orig)
            if explanation is None:
                raise
            raise explanation from error


def _explanation(error: BaseException | None) -> AdministrationError | None:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return NotMigrated("The database's migrations are not current: run automation db upgrade.")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return NotOwner("This database role may not do that: use the one that owns the tables.")
    if isinstance(error, psycopg.IntegrityError):
        return _CONSTRAINTS.get(error.diag.constraint_name or "", Unacceptable(owner.first_line(error)))
    if isinstance(error, psycopg.DataError):
        return Unacceptable(owner.first_line(error))
    return None
