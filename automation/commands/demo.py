"""``automation demo``: the API with data to try it on, and what to paste first."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from automation.commands.environment import read_settings
from automation.commands.failures import FAILED, WRONG_INPUT, Failure, describe
from automation.commands.output import json_option, print_json

if TYPE_CHECKING:
    from automation.service.settings import Settings


@click.command("demo")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port to listen on, 0 for a free one; else AUTOMATION_PORT, or 8080.",
)
@click.option("--verbose", is_flag=True, help="Show the log on standard error, too.")
@json_option
def command(port: int | None, *, verbose: bool, as_json: bool) -> int:
    """Serve with demo data and a worker, on an embedded PostgreSQL unless URLs are set.

    Ctrl-C stops all of it, with exit code 0; the data stays for the next time. When it is ready, demo.json in the data
    directory holds keys and ids to try; demo.log beside it is the log of the service, its worker and the receivers.
    """
    from automation.demo.interruption import Interruption  # noqa: PLC0415 - mistakes in the usage don't wait for these

    interruption = Interruption()
    interruption.take_over()
    from automation.demo.session import Session  # noqa: PLC0415

    session = Session(_settings(port), interruption, verbose=verbose, as_document=print_json if as_json else None)
    session.prepare()
    try:
        return session.perform()
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - its trace is in the log
        return _tell(error, session.log)


def _tell(error: Exception, log: Path) -> int:
    """Say what went wrong and where more stands, and return the exit code."""
    failure = describe(error) or _unforeseen(error)
    for line in failure.lines[:-1]:
        click.echo(line, err=True)
    more = "" if failure.code == WRONG_INPUT else f" (more in {log})"
    click.echo(f"{failure.lines[-1]}{more}", err=True)
    return failure.code


def _unforeseen(error: Exception) -> Failure:
    reason = "".join(str(error).splitlines()[:1])
    return Failure((f"automation: the demo broke off: {type(error).__name__}{reason and f': {reason}'}",), FAILED)


def _settings(port: int | None) -> "Settings":
    """Return the environment's settings with the default of the demo: an embedded database."""
    from pydantic import SecretStr  # noqa: PLC0415

    from automation.service.setting_types import EMBEDDED  # noqa: PLC0415

    settings = read_settings(port=port)
    if settings.database_url is not None:
        return settings
    return settings.model_copy(update={"database_url": SecretStr(EMBEDDED)})
