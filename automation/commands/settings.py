"""``automation settings``: what can be set, what is set, and what that is by default; never a password."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from automation.commands.environment import read_settings
from automation.commands.output import json_option, print_records

if TYPE_CHECKING:
    from automation.service.settings import Settings

COLUMNS = ("variable", "value", "default", "description")


@click.command("settings")
@json_option
def command(*, as_json: bool) -> None:
    """List every setting, its variable, its value, its default and what it is for."""
    print_records(_records(read_settings()), COLUMNS, as_json=as_json)


def _records(settings: "Settings") -> list[Mapping[str, object]]:
    from automation.service.secrecy import shown  # noqa: PLC0415 - help doesn't wait for their import
    from automation.service.settings import variable  # noqa: PLC0415

    return [
        {
            "setting": name,
            "variable": variable(name),
            "value": shown(name, getattr(settings, name)),
            "default": shown(name, field.default),
            "description": field.description,
        }
        for name, field in type(settings).model_fields.items()
    ]
