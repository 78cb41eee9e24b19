"""Causes of failed statements, by SQLSTATE: what a client is told, and what whoever operates the database can do.

PostgreSQL's classes (Appendix A of its manual) tell a fault of the database from one of the statement, which is ours.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import psycopg
import structlog

from automation.domain.errors import Unavailable

_log = structlog.get_logger("automation.database")

OUTCOME_OPEN = "A change was sent, and nobody knows whether it was made."
"""What an error says where that is so, in its notes."""

_SILENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the database does not do its work.

    Args:
        sentence: What it means for a client.
        remedy: What helps, for the log; empty where another try does.
        writes: Whether it is writes that it is about, and what only reads may go on.
    """

    sentence: str
    remedy: str = ""
    writes: bool = False


AWAY = Cause("The database cannot be reached.")
BUSY = Cause("No connection to the database was free in time.")
SLOW = Cause("The database did not answer in time.")
_CONNECTIONS = Cause(
    "The database takes no more connections right now.",
    "raise max_connections, or the login's CONNECTION LIMIT, or lower AUTOMATION_POOL_MAX or the number of processes",
)
_LOGIN = Cause(
    AWAY.sentence, "check the login and the password in the URL, and what the server's pg_hba.conf lets in from here"
)
_FILES = Cause(
    "The database cannot store anything right now.",
    "look into PostgreSQL's own log: it could not use its files; check disk, mounts and permissions",
    writes=True,
)
_DAMAGED = Cause(
    "The database cannot use its data right now.",
    "look into PostgreSQL's own log: its files are damaged; check the disk, and restore a backup",
)
_CONFLICT = Cause("The database could not do it beside other changes.")

# By SQLSTATE, or by its class, the first two characters.
_CAUSES: Mapping[str, Cause] = MappingProxyType(
    {
        "08": AWAY,
        "25006": Cause(
            "The database is read-only right now.",
            "is it a standby? point the URL to the primary (target_session_attrs=read-write finds it); or "
            "default_transaction_read_only is on",
            writes=True,
        ),
        "25P03": SLOW,
        "25P04": SLOW,
        "40": _CONFLICT,
        "53": Cause("The database has no capacity left right now.", "look into PostgreSQL's own log for its limits"),
        "53100": Cause(
            "The database cannot store anything right now.",
            "PostgreSQL's disk is full: free space or enlarge its volume; what was acknowledged is not lost",
            writes=True,
        ),
        "53200": Cause(
            "The database has no memory left right now.",
            "give PostgreSQL's machine more memory, or lower work_mem, max_connections or shared_buffers",
        ),
        "53300": _CONNECTIONS,
        "55P03": SLOW,
        "57": AWAY,
        "57014": SLOW,
        "58": _FILES,
        "XX001": _DAMAGED,
        "XX002": _DAMAGED,
    }
)
_PRIVILEGES = Cause(
    "The database does not let the service do that right now.",
    "the login has lost privileges: make it a member of its group again (GRANT automation_api or automation_worker TO "
    "it), or have the owner run the migrations",
)
# Why a connection is refused has no SQLSTATE for a client, only PostgreSQL's words.
_REFUSALS: Mapping[str, Cause] = MappingProxyType(
    {
        "too many": _CONNECTIONS,
        "connection slots": _CONNECTIONS,
        "password authentication failed": _LOGIN,
        "no pg_hba.conf entry": _LOGIN,
        "not permitted to log in": _LOGIN,
        "does not exist": _LOGIN,
    }
)


class TookTooLong(Exception):
    """A query took longer than its caller has patience."""


class StatementGivenUp(psycopg.OperationalError):
    """The server did not answer a statement in time, and its connection was cut."""


def cause_of(error: psycopg.Error) -> Cause | None:
    """Return the cause of an error where that is the database's; None for a fault of the statement."""
    state = error.sqlstate
    if isinstance(error, StatementGivenUp):
        return SLOW
    if state is None:
        return AWAY if isinstance(error, psycopg.OperationalError) else None
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        # A row that a policy keeps out has the same state, and is a fault of ours: only who raised it differs.
        return _PRIVILEGES if (error.diag.source_function or "").startswith("aclcheck_error") else None
    return _CAUSES.get(state) or _CAUSES.get(state[:2])


def cause_of_refusal(error: psycopg.Error) -> Cause | None:
    """Return why a connection was refused, None where the server's words don't say."""
    words = str(error)
    return next((cause for words_of_it, cause in _REFUSALS.items() if words_of_it in words), None)


class Causes:
    """Tells of causes: to clients each time, to the operator once a minute, however many statements fail by it."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def unavailable(self, cause: Cause, error: psycopg.Error) -> Unavailable:
        """Return what callers are told of a failed statement; the log is told, too."""
        self.log(cause, error)
        unavailable = Unavailable(cause.sentence)
        unavailable.timed_out = cause is SLOW
        unavailable.outcome_open = OUTCOME_OPEN in getattr(error, "__notes__", ())
        return unavailable

    def log(self, cause: Cause, error: psycopg.Error) -> None:
        """Log a cause that has a remedy, unless that was done a moment ago."""
        now = time.monotonic()
        if not cause.remedy or now - self._logged.get(cause.remedy, float("-inf")) < _SILENT_SECONDS:
            return
        self._logged[cause.remedy] = now
        _log.error(
            "the database fails",
            sqlstate=error.sqlstate,
            condition=type(error).__name__,
            message=error.diag.message_primary or str(error),
            remedy=cause.remedy,
        )
