"""Reads the settings from the environment, and tells what is wrong with it in one line for each variable."""

import os
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from automation.service import unknown_variables
from automation.service.settings import PREFIX, Settings, variable

# What a value must be that can't be read at all, by pydantic's name of that.
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "int_parsing": "Input should be a whole number",
        "int_from_float": "Input should be a whole number",
        "float_parsing": "Input should be a number",
        "bool_parsing": "Input should be true or false",
    }
)


class InvalidSettings(Exception):
    """The environment holds a setting that cannot be used; one line per setting in ``lines``."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def from_environment() -> Settings:
    """Return the settings that the environment asks for.

    Raises:
        InvalidSettings: with one line for each setting that cannot be used or does not exist, naming its variable and
            never its value.
    """
    unknown = unknown_variables.lines(os.environ, PREFIX, [variable(field) for field in Settings.model_fields])
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [_line(problem["loc"], _KINDS.get(problem["type"], problem["msg"])) for problem in error.errors()]
        raise InvalidSettings([*unknown, *wrong]) from None
    if unknown:
        raise InvalidSettings(unknown)
    return settings


def _line(location: tuple[int | str, ...], message: str) -> str:
    sentence = message.removeprefix("Value error, ").removeprefix("Input should be ").strip()
    return f"{variable(str(location[0]))}: {'should be ' if message.startswith('Input') else ''}{sentence}"
