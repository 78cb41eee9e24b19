"""Finds the README's two commands, so that they are typed as they stand there."""

import re
from pathlib import Path

_SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def first_command(readme: Path) -> str:
    """Return the first block of commands of a README."""
    return _blocks(readme)[0]


def second_command(readme: Path) -> str:
    """Return the second block of commands of a README."""
    return _blocks(readme)[1]


def _blocks(readme: Path) -> list[str]:
    return [block.strip() for block in _SHELL_BLOCK.findall(readme.read_text(encoding="utf-8"))]
