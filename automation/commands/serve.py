"""``automation serve``: the API, on a database that the operator named."""

from functools import partial

import click

from automation.commands.arguments import Name
from automation.commands.environment import read_settings
from automation.commands.output import json_option, print_json, print_line


@click.command("serve")
@click.option(
    "--host", metavar="ADDRESS", type=Name(), help="The address to listen on; else AUTOMATION_HOST, or 127.0.0.1."
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port to listen on, 0 for a free one; else AUTOMATION_PORT, or 8080.",
)
@click.option(
    "--workers", metavar="NUMBER", type=click.IntRange(1, 256), default=1, help="How many processes serve; 1."
)
@json_option
def command(host: str | None, port: int | None, workers: int, *, as_json: bool) -> int:
    """Serve the API until SIGTERM or Ctrl-C.

    With an embedded database, or where AUTOMATION_MIGRATION_URL is set, the schema is upgraded first.
    """
    from automation.service import databases  # noqa: PLC0415 - mistakes in the usage don't wait for its import

    with databases.for_process(read_settings(host=host, port=port), databases.SERVICE) as settings:
        from automation.service.server import serve  # noqa: PLC0415 - nor a missing URL for this

        if settings.migration_url is not None:
            databases.bring_up_to_date(settings.migration_url.get_secret_value())
        return serve(settings, workers=workers, on_ready=partial(_announce, as_json=as_json))


def _announce(base_url: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"base_url": base_url})
    else:
        print_line(f"Serving on {base_url}")
