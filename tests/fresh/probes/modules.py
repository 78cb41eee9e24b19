"""Imports every module of the packages that are installed, and asks every command for help.

Usage: modules.py CHECKOUT [PACKAGE]..., the packages that are excused.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

import click

from automation.commands.catalogue import automation

PACKAGES = ("automation", "handlers", "security")


def modules(checkout: Path) -> Iterator[str]:
    """Yield the name of every module of the three packages, but for those that Alembic runs as files."""
    for package in PACKAGES:
        for file in sorted((checkout / package).rglob("*.py")):
            parts = file.relative_to(checkout).with_suffix("").parts
            if not {"versions", "env", "__main__"}.intersection(parts):
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, groups too."""
    yield words
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)


def main(checkout: Path, excused: list[str]) -> int:
    """Print what can't be imported or asked for help, and how many could."""
    failures = counted = 0
    for name in modules(checkout):
        if any(name == each or name.startswith(f"{each}.") for each in excused):
            continue
        counted += 1
        try:
            import_module(name)
        except Exception:
            failures += 1
            print(f"{name} can't be imported:\n{traceback.format_exc()}")
    asked = 0
    for words in commands(automation):
        asked += 1
        try:
            with redirect_stdout(StringIO()):
                automation.main([*words, "--help"], prog_name="automation", standalone_mode=False)
        except Exception:
            failures += 1
            print(f"automation {' '.join(words)} --help fails:\n{traceback.format_exc()}")
    print(f"{counted} modules imported, {asked} commands asked for help")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
