"""Recognises database URLs before anybody connects: libpq's own complaint quotes passwords."""

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def is_location(url: str) -> bool:
    """Return whether libpq can read a URL; whether anything is there is another question."""
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        return False
    return True
