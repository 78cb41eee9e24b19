"""``automation settings``: what can be set, what is set, and what that is by default; never a password."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from automation.commands.environment import read_settings
from automation.commands.output import json_option, print_records
from automation.commands.secrecy import MASK, mask

if TYPE_CHECKING:
    from automation.service.settings import Settings

COLUMNS = ("variable", "value", "default", "description")


@click.command("settings")
@json_option
def command(*, as_json: bool) -> None:
    """List every setting, its variable, its value, its default and what it is for."""
    print_records(_records(read_settings()), COLUMNS, as_json=as_json)


def _records(settings: "Settings") -> list[Mapping[str, object]]:
    from automation.service.settings import variable  # noqa: PLC0415

    return [
        {
            "setting": name,
            "variable": variable(name),
            "value": _plain(name, getattr(settings, name)),
            "default": _plain(name, field.default),
            "description": field.description,
        }
        for name, field in type(settings).model_fields.items()
    ]


def _plain(name: str, value: object) -> object:
    """Return a value as JSON has it, a secret one without what is secret in it: of a URL, its passwords."""
    reveal = getattr(value, "get_secret_value", None)
    if reveal is not None:
        return mask(reveal()) if name.endswith("_url") else MASK
    return value if value is None or isinstance(value, bool | int | float) else str(value)
