"""Chooses the database of a command: the URLs in the settings, or those of the embedded server while it is in use."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from automation.service import secret_keys
from automation.service.setting_types import EMBEDDED
from automation.service.settings import Settings, variable

SERVICE, WORKER, OWNER = "database_url", "worker_url", "migration_url"
"""The settings of one database's URLs, as the role of the API, of the workers, and of its owner."""

_OR_EMBEDDED = f"or {variable(SERVICE)} to the word {EMBEDDED} for a database in the data directory"
_WANTED = {
    SERVICE: f"set {variable(SERVICE)} to the URL of a PostgreSQL database, or to the word {EMBEDDED} for one in the "
    "data directory",
    WORKER: f"set {variable(WORKER)} to the URL of the database as the role of the workers, {_OR_EMBEDDED}",
    OWNER: f"set {variable(OWNER)} to the URL of the database as the owner of its tables, {_OR_EMBEDDED}",
}

Urls = dict[str, str | None]
"""The URLs by their settings, None where the settings do not say."""


class DatabaseNotNamed(Exception):
    """The settings do not say clearly which database to use; the message says exactly what to set."""


@contextmanager
def for_process(settings: Settings, name: str) -> Iterator[Settings]:
    """Give the settings with real URLs; ``migration_url`` stays None where the operator wants no migrations.

    Args:
        settings: What the operator set.
        name: The setting of the URL that the process needs, ``SERVICE`` or ``WORKER``.

    Raises:
        DatabaseNotNamed: That URL is missing, or the URLs contradict each other.
        EmbeddedServerError: The embedded server can't be had.
    """
    with _named(settings, supervised=True) as urls:
        _needed(urls, name)
        secrets = {each: None if url is None else SecretStr(url) for each, url in urls.items()}
        yield secret_keys.provided(settings).model_copy(update=secrets)


@contextmanager
def for_administration(settings: Settings, *, may_make: bool = False) -> Iterator[str]:
    """Give the owner's URL, for migrations, tenants, users and keys.

    Args:
        settings: What the operator set.
        may_make: Make an embedded database where there is none.

    Raises:
        DatabaseNotNamed: A URL is missing, the two URLs contradict each other, or there is no such database.
        EmbeddedServerError: The embedded server can't be had.
    """
    with _named(settings, may_make=may_make) as urls:
        yield _needed(urls, OWNER)


def bring_up_to_date(url: str) -> None:
    """Migrate the database where that is to be done; nothing that migrates is loaded where it isn't.

    Args:
        url: The owner's.

    Raises:
        FormerDatabase: where no upgrade leads from the database's revision to today's.
        MigrationFailed: where PostgreSQL refuses.
        Unavailable: where the database cannot be reached.
    """
    from automation.storage import revisions  # noqa: PLC0415 - mistakes in the settings don't wait for its import

    if revisions.current(url) != revisions.head():
        from automation.storage import migration  # noqa: PLC0415

        migration.upgrade(url)


@contextmanager
def _named(settings: Settings, *, supervised: bool = False, may_make: bool = True) -> Iterator[Urls]:
    """Give the URLs that the settings name; one word ``embedded`` stands for all."""
    secrets = {name: getattr(settings, name) for name in (SERVICE, WORKER, OWNER)}
    named = {name: None if secret is None else secret.get_secret_value() for name, secret in secrets.items()}
    if EMBEDDED not in named.values():
        for name, url in named.items():
            _expect_readable(name, url)
        yield named
        return
    if not set(named.values()) <= {EMBEDDED, None}:
        others = " and ".join(variable(name) for name, url in named.items() if url is not None)
        raise DatabaseNotNamed(
            f"{others} name two databases: one is a URL, the other {EMBEDDED} (as is the default of the demo); set all "
            "of them to URLs of one database, or unset the URL"
        )
    with _embedded(settings, supervised=supervised, may_make=may_make) as urls:
        yield urls


@contextmanager
def _embedded(settings: Settings, *, supervised: bool, may_make: bool) -> Iterator[Urls]:
    from automation.service.embedded import in_use, is_made  # noqa: PLC0415 - only who uses it waits for its import

    if not (may_make or is_made(settings)):
        raise DatabaseNotNamed(
            f"There is no database in {settings.data_dir.absolute()}: set {variable('data_dir')} to the directory of "
            "the one that is meant, or make one there by automation db upgrade."
        )
    with in_use(settings, supervised=supervised) as urls:
        yield {SERVICE: urls.api, WORKER: urls.worker, OWNER: urls.owner}


def _expect_readable(name: str, url: str | None) -> None:
    from automation.storage.accounts.owner import is_location  # noqa: PLC0415 - the same

    if url is not None and not is_location(url):
        raise DatabaseNotNamed(
            f"{variable(name)} is not a PostgreSQL URL: check its parameters, and percent-encode special characters"
        )


def _needed(urls: Urls, name: str) -> str:
    url = urls[name]
    if url is None:
        raise DatabaseNotNamed(_WANTED[name])
    return url
