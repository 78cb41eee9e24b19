"""``automation db``: the schema of the database, in the version that this service needs or in another."""

from collections.abc import Callable

import click

from automation.commands.environment import owner_url
from automation.commands.output import json_option, print_record


@click.group("db", no_args_is_help=False)
def command() -> None:
    """Bring the database's schema up or down."""


@command.command("upgrade")
@click.argument("revision", default="head")
@json_option
def upgrade(revision: str, *, as_json: bool) -> None:
    """Upgrade the schema to REVISION, by default to the newest."""
    with owner_url() as url:
        from automation.storage import migration  # noqa: PLC0415 - a missing URL is told without waiting for it

        _migrate(migration.upgrade, url, revision, as_json=as_json)


@command.command("downgrade", context_settings={"ignore_unknown_options": True})  # -1 is a revision, not an option
@click.argument("revision")
@json_option
def downgrade(revision: str, *, as_json: bool) -> None:
    """Downgrade the schema to REVISION: an identifier, -1 for one step back, base for nothing. Data is lost."""
    with owner_url() as url:
        from automation.storage import migration  # noqa: PLC0415

        _migrate(migration.downgrade, url, revision, as_json=as_json)


@command.command("current")
@json_option
def current(*, as_json: bool) -> None:
    """Show the schema's revision, and the newest one."""
    with owner_url() as url:
        from automation.storage import migration  # noqa: PLC0415

        revision, newest = migration.current(url), migration.head()
    print_record({"revision": revision, "newest": newest, "up_to_date": revision == newest}, as_json=as_json)


def _migrate(change: Callable[[str, str], None], url: str, revision: str, *, as_json: bool) -> None:
    from automation.storage import migration  # noqa: PLC0415

    before = migration.current(url)
    try:
        change(url, revision)
    except migration.MigrationFailed as error:
        if _is_about_the_revision(error):
            raise click.BadParameter(f"{error}.", param_hint="REVISION") from error
        raise
    after = migration.current(url)
    print_record({"before": before, "after": after, "changed": before != after}, as_json=as_json)


def _is_about_the_revision(error: Exception) -> bool:
    """Return whether Alembic found nothing to do by that name; anything else came from PostgreSQL."""
    return type(error.__cause__).__module__.startswith("alembic.")
