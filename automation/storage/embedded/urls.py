"""URLs of the embedded server: one per role, over a Unix socket."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from automation.storage.embedded.roles import API_LOGIN, DATABASE, OWNER, SUPERUSER, WORKER_LOGIN

PORT = 5432
"""There is no TCP port; the number is only part of the socket's name, and is said so that PGPORT can't change it."""


@dataclass(frozen=True, slots=True)
class EmbeddedUrls:
    """PostgreSQL URLs, understood by libpq and, with ``postgresql+psycopg://``, by SQLAlchemy.

    Args:
        owner: Owns the database; for migrations and administration.
        api: The login of the service.
        worker: The login of the workers.
        admin: The superuser in the database ``postgres``; for tests only.
    """

    owner: str
    api: str
    worker: str
    admin: str


def urls_at(socket_directory: Path) -> EmbeddedUrls:
    """Return the URLs of the server that listens in a directory."""
    return EmbeddedUrls(
        owner=_url(OWNER, DATABASE, socket_directory),
        api=_url(API_LOGIN, DATABASE, socket_directory),
        worker=_url(WORKER_LOGIN, DATABASE, socket_directory),
        admin=_url(SUPERUSER, "postgres", socket_directory),
    )


def _url(role: str, database: str, socket_directory: Path) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(socket_directory), safe='/')}&port={PORT}"
