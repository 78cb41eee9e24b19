"""Finds the README's first command, so that it is typed as it stands there."""

import re
from pathlib import Path

_SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def first_command(readme: Path) -> str:
    """Return the first block of commands of a README.

    Raises:
        ValueError: It has none.
    """
    found = _SHELL_BLOCK.search(readme.read_text(encoding="utf-8"))
    if found is None:
        message = f"{readme} has no command"
        raise ValueError(message)
    return found.group(1).strip()
