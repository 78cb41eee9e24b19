"""Reads the settings from the environment, and tells what is wrong with it in one line for each variable."""

import os

from pydantic import ValidationError

from automation.service import unknown_variables
from automation.service.settings import PREFIX, Settings, variable


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
        wrong = [_line(problem["loc"], problem["msg"]) for problem in error.errors()]
        raise InvalidSettings([*unknown, *wrong]) from None
    if unknown:
        raise InvalidSettings(unknown)
    return settings


def _line(location: tuple[int | str, ...], message: str) -> str:
    sentence = message.removeprefix("Value error, ").removeprefix("Input should be ").strip()
    return f"{variable(str(location[0]))}: {'should be ' if message.startswith('Input') else ''}{sentence}"
