"""Statements and transactions of a role, counted in the log of the embedded PostgreSQL.

pg_stat_database would say less: a session that falls idle reports what it did up to ten seconds later, and whose
transactions they were isn't known there. Every statement is logged with its transaction's virtual identifier, which
those that only read have too. Statements within functions aren't logged, and so not counted: they are no round trips.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

_SETTINGS = {"log_statement": "all", "log_line_prefix": "bench %u %v ", "log_parameter_max_length": "0"}
_STATEMENT = re.compile(r"^bench (\S+) (\S+) LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)$", re.MULTILINE)
_RELOADED = 0.3
"""Seconds after which every session has read its settings anew."""


@dataclass(slots=True)
class Count:
    """What a role did: statements, BEGIN and COMMIT among them, and transactions that weren't rolled back."""

    statements: int = 0
    commits: int = 0


@contextmanager
def counted(admin: str, log: Path, role: str) -> Iterator[Count]:
    """Count what a role does until the end; what it costs to log it makes this no time to measure anything else.

    Args:
        admin: A superuser's URL.
        log: The server's log.
        role: Whose statements are counted.
    """
    count = Count()
    with psycopg.connect(admin, autocommit=True) as connection:
        try:
            for name, value in _SETTINGS.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            _reload(connection)
            start = log.stat().st_size
            yield count
            with log.open("rb") as file:
                file.seek(start)
                found = count_in(file.read().decode(errors="replace"), role)
            count.statements, count.commits = found.statements, found.commits
        finally:
            for name in _SETTINGS:
                connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            _reload(connection)


def count_in(text: str, role: str) -> Count:
    """Count what a role did by the lines of a log."""
    last: dict[str, str] = {}
    statements = 0
    for user, transaction, statement in _STATEMENT.findall(text):
        if user == role:
            statements += 1
            last[transaction] = statement
    return Count(statements, sum(not said.strip().upper().startswith("ROLLBACK") for said in last.values()))


def _reload(connection: psycopg.Connection) -> None:
    connection.execute("SELECT pg_reload_conf()")
    time.sleep(_RELOADED)
