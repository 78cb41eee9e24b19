"""``automation demo``: the API with data to try it on, and what to paste first."""

import sys
from typing import TYPE_CHECKING

import click

from automation.service.commands.environment import read_settings
from automation.service.commands.output import json_option, print_json, print_line

if TYPE_CHECKING:
    from automation.service.demonstration import Demonstration
    from automation.service.settings import Settings


@click.command("demo")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port to listen on, 0 for a free one; else AUTOMATION_PORT, or 8080.",
)
@json_option
def command(port: int | None, *, as_json: bool) -> int:
    """Serve with demo data, on an embedded PostgreSQL unless a URL is set.

    Ctrl-C stops all of it; the data stays for the next time. When it is ready, demo.json in the data directory holds
    keys and ids to try.
    """
    from automation.service import databases  # noqa: PLC0415 - mistakes in the usage don't wait for its import

    chosen = _settings(port)
    if sys.stderr.isatty():
        click.echo("Starting; the first time takes some seconds.", err=True)
    with (
        databases.for_service(chosen) as settings,
        databases.for_administration(settings) as owner,
    ):
        from automation.service.demonstration import prepare  # noqa: PLC0415 - nor a missing URL for these
        from automation.service.server import serve  # noqa: PLC0415
        from automation.storage import migration  # noqa: PLC0415

        migration.upgrade(owner)
        demonstration = prepare(settings, owner)
        announcement = _Announcement(settings, demonstration, as_json=as_json)
        return serve(settings, on_ready=announcement)


class _Announcement:
    """What is done and said once the demo can be tried; what it needs is made before."""

    def __init__(self, settings: "Settings", demonstration: "Demonstration", *, as_json: bool) -> None:
        from automation.contract.contract import Contract  # noqa: PLC0415
        from automation.contract.document import default_path, load  # noqa: PLC0415

        links = Contract(load(default_path())).links
        self._path = links.href("getAutomationExecution", id=demonstration.executions["completed"])
        self._demonstration = demonstration
        self._documentation = settings.documentation and settings.publish_contract
        self._as_json = as_json

    def __call__(self, base_url: str) -> None:
        self._demonstration.write(base_url)
        curl = f"curl -sS -H 'x-api-key: {self._demonstration.keys['reader']}' {base_url}{self._path}"
        documentation = f"{base_url}/docs" if self._documentation else None
        file = str(self._demonstration.path)
        if self._as_json:
            print_json({"base_url": base_url, "curl": curl, "documentation": documentation, "demo": file})
            return
        print_line(f"\nThe service runs on {base_url}; Ctrl-C stops it. An execution:\n\n  {curl}\n")
        if documentation:
            print_line(f"Swagger UI:          {documentation}")
        print_line(f"Other keys and ids:  {file}\n")


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
