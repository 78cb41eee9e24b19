"""``automation db``: the schema of the database, in the version that this service needs, and what databases left."""

import os
from collections.abc import Callable

import click

from automation.commands.environment import owner_url, read_settings
from automation.commands.output import json_option, print_json, print_line, print_record


@click.group("db")
def command() -> None:
    """Bring the database's schema up or down."""


@command.command("upgrade")
@click.argument("revision", default="head")
@json_option
def upgrade(revision: str, *, as_json: bool) -> None:
    """Upgrade the schema to REVISION, by default to the newest."""
    with owner_url(may_make=True) as url:
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
        from automation.storage import revisions  # noqa: PLC0415

        revision, newest = revisions.current(url), revisions.head()
    print_record({"revision": revision, "newest": newest, "up_to_date": revision == newest}, as_json=as_json)


@command.command("prune")
@click.option("--embedded", is_flag=True, help="What embedded servers left on this machine; nothing else is pruned.")
@click.option("--unclaimed", is_flag=True, help="Also clusters on which no server runs, whose end nobody can prove.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def prune(*, embedded: bool, unclaimed: bool, dry_run: bool, as_json: bool) -> int:
    """Remove clusters whose data directories are gone, and temporary files of servers that were killed.

    Needs no database. What a server runs on or a process holds is kept.
    """
    if not embedded:
        raise click.UsageError("Say what to prune: --embedded.")
    from automation.storage.embedded import account, leftovers  # noqa: PLC0415

    owners = account.known_owners(read_settings().embedded_user)
    found = leftovers.prune(owners=owners, unclaimed=unclaimed, dry_run=dry_run)
    if as_json:
        print_json([{"path": one.path, "outcome": one.outcome, "reason": one.reason} for one in found])
    for line in [] if as_json else [*map(str, found)] or [_nothing()]:
        print_line(line)
    return int(any(one.outcome is leftovers.Outcome.FAILED for one in found))


def _nothing() -> str:
    if os.geteuid() == 0:
        return "Nothing was left behind."
    return "Nothing was left behind: an ordinary user's cluster lies in its data directory, and goes with it."


def _migrate(change: Callable[[str, str], None], url: str, revision: str, *, as_json: bool) -> None:
    from automation.storage import revisions  # noqa: PLC0415

    before = revisions.current(url)
    try:
        change(url, revision)
    except revisions.MigrationFailed as error:
        if _is_about_the_revision(error):
            raise click.BadParameter(f"{error}.", param_hint="REVISION") from error
        raise
    after = revisions.current(url)
    print_record({"before": before, "after": after, "changed": before != after}, as_json=as_json)


def _is_about_the_revision(error: Exception) -> bool:
    """Return whether Alembic found nothing to do by that name; anything else came from PostgreSQL."""
    return type(error.__cause__).__module__.startswith("alembic.")
