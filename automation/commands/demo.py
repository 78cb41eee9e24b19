"""``automation demo``: the API with data to try it on, and what to paste first."""

import sys
from typing import TYPE_CHECKING

import click

from automation.commands.environment import read_settings
from automation.commands.output import json_option, print_json

if TYPE_CHECKING:
    from automation.service.settings import Settings

_LAST_PORT = 65535


@click.command("demo")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port to listen on, 0 for a free one; else AUTOMATION_PORT, or 8080.",
)
@json_option
def command(port: int | None, *, as_json: bool) -> int:
    """Serve with demo data and a worker, on an embedded PostgreSQL unless URLs are set.

    Ctrl-C stops all of it; the data stays for the next time. When it is ready, demo.json in the data directory holds
    keys and ids to try.
    """
    from automation.service import databases  # noqa: PLC0415 - mistakes in the usage don't wait for its import

    chosen = _settings(port)
    if sys.stderr.isatty():
        click.echo("Starting; the first time takes some seconds.", err=True)
    with (
        databases.for_service(chosen) as served,
        databases.for_administration(served) as owner,
        databases.for_worker(served) as settings,
    ):
        from automation.demo.announcement import Announcement  # noqa: PLC0415 - nor a missing URL for these
        from automation.demo.companion import worker_beside  # noqa: PLC0415
        from automation.demo.demonstration import prepare  # noqa: PLC0415
        from automation.demo.receivers import receiving  # noqa: PLC0415
        from automation.service.http.server import serve  # noqa: PLC0415
        from automation.storage import migration  # noqa: PLC0415

        migration.upgrade(owner)
        with receiving(*_neighbours(settings.port)) as receivers:
            demonstration = prepare(settings, owner, receivers.http_url)
            announcement = Announcement(settings, demonstration, print_json if as_json else None)
            with worker_beside(settings.model_copy(update=receivers.settings(settings.egress_allow))):
                code = serve(settings, on_ready=announcement)
            return 1 if announcement.failed else code


def _neighbours(port: int) -> tuple[int, int]:
    """Return the ports for the receivers, next to the server's own; free ones beside a free one."""
    return (port + 1, port + 2) if 0 < port < _LAST_PORT - 2 else (0, 0)


def _settings(port: int | None) -> "Settings":
    """Return the environment's settings with the defaults of the demo: an embedded database, log lines for people."""
    from pydantic import SecretStr  # noqa: PLC0415

    from automation.service.settings import EMBEDDED, LogFormat  # noqa: PLC0415

    settings = read_settings(port=port)
    defaults: dict[str, object] = {}
    if settings.database_url is None:
        defaults["database_url"] = SecretStr(EMBEDDED)
    if "log_format" not in settings.model_fields_set and sys.stderr.isatty():
        defaults["log_format"] = LogFormat.CONSOLE
    return settings.model_copy(update=defaults)
