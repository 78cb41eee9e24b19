"""The list of commands: each is imported when it is asked for, so that ``--help`` is answered at once."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

import click

from automation import DISTRIBUTION

PACKAGE = "automation.commands"

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "contract": ("contract", "Check the contract without starting."),
        "db": ("database", "Bring the database's schema up or down."),
        "demo": ("demo", "Serve with demo data and a worker, on an embedded PostgreSQL unless URLs are set."),
        "executions": ("executions", "Remove executions that have been kept for long enough."),
        "keys": ("keys", "Create, list and revoke API keys."),
        "secrets": ("secrets", "Encrypt the values of secrets with another key."),
        "serve": ("serve", "Serve the API until SIGTERM or Ctrl-C."),
        "settings": ("settings", "List every setting, its variable, its value, its default and what it is for."),
        "tenants": (
            "tenants",
            "Create and list tenants, and say what each may use and for how long what is kept of it.",
        ),
        "users": ("users", "Create, deactivate and list the users of tenants."),
        "worker": ("worker", "Run executions until SIGTERM or Ctrl-C."),
    }
)
"""The name of each command, the module that has an object ``command``, and what it does."""


class Catalogue(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = import_module(f"{PACKAGE}.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments begin with, and what is left of them.

        Raises:
            NoSuchCommand: There is none of that name; with those whose names are near.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=Catalogue, name="automation", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION, message="%(version)s")
def automation() -> None:
    """Run automation rules, and tell each tenant exactly what happened."""
