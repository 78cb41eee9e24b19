"""``automation worker``: runs executions, on a database that the operator named."""

import asyncio
import os
import sys
from functools import partial

import click

from automation.commands.environment import read_settings
from automation.commands.output import json_option, print_json, print_line


@click.command("worker")
@click.option(
    "--concurrency",
    metavar="NUMBER",
    type=click.IntRange(1, 1000),
    help="How many executions run at the same time; else AUTOMATION_CONCURRENCY, or 20.",
)
@click.option(
    "--until-stdin-closes", is_flag=True, hidden=True, help="Stop when standard input ends, as the demo's does."
)
@json_option
def command(concurrency: int | None, *, until_stdin_closes: bool, as_json: bool) -> int:
    """Run executions until SIGTERM or Ctrl-C.

    Actions in flight get AUTOMATION_DRAIN_TIMEOUT seconds to end; what isn't done then is handed to another worker.
    With an embedded database, or where AUTOMATION_MIGRATION_URL is set, the schema is upgraded first.
    """
    from automation.service import databases  # noqa: PLC0415 - mistakes in the usage don't wait for its import

    with databases.for_process(read_settings(concurrency=concurrency), databases.WORKER) as settings:
        from automation.service.worker import work  # noqa: PLC0415 - nor a missing URL for this

        if settings.migration_url is not None:
            databases.bring_up_to_date(settings.migration_url.get_secret_value())
        return work(
            settings,
            until=_stdin_closes if until_stdin_closes else None,
            on_ready=partial(_announce, settings.concurrency, as_json=as_json),
        )


def _announce(concurrency: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"concurrency": concurrency})
    else:
        print_line(f"Running executions, up to {concurrency} at a time")


def _stdin_closes(stop: asyncio.Event) -> None:
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _read, stop)


def _read(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()
