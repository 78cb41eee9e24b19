"""Output of commands: tables for people, or one JSON document for scripts."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

Record = Mapping[str, object]
Function = TypeVar("Function", bound=Callable[..., Any])

GAP = 2
LEAST_LAST_COLUMN = 30
UNBOUNDED = 10_000
"""Columns of a table that no terminal shows: nothing in it is wrapped, so that other programs can read its lines."""


def json_option(function: Function) -> Function:
    """Give a command the option ``--json``, as its argument ``as_json``."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
    return option(function)


def print_json(document: object) -> None:
    """Print a document; times as RFC 3339 in UTC, identifiers and other values as text."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=_encode))


def print_records(records: Sequence[Record], columns: Sequence[str], *, as_json: bool) -> None:
    """Print a list of records: all of each as JSON, the named columns in a table."""
    if as_json:
        print_json(records)
    else:
        _print_table([column.replace("_", " ") for column in columns], [[r[c] for c in columns] for r in records])


def print_record(record: Record, *, as_json: bool) -> None:
    """Print one record: as JSON, or a line for each member."""
    if as_json:
        print_json(record)
    else:
        lines = [(name.replace("_", " "), value) for name, value in record.items()]
        _print_table(None, lines)


def print_line(text: str) -> None:
    """Print a line for people."""
    click.echo(text)


def _encode(value: object) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)


def format_time(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _print_table(header: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> None:
    """Print a table: on a terminal its last column is wrapped where it does not fit, and nothing ever is cut."""
    from rich.console import Console  # noqa: PLC0415 - scripts, which ask for JSON, do not wait for its import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    cells = [[Text(_cell(value)) for value in row] for row in rows]
    table = Table(box=None, show_header=header is not None, pad_edge=False, padding=(0, GAP, 0, 0))
    needed = 0
    for index, name in enumerate(header or ("", "")):
        width = max([len(name), *(row[index].cell_len for row in cells)])
        last = header is not None and index == len(header) - 1
        least = min(width, LEAST_LAST_COLUMN) if last else width
        table.add_column(name, min_width=least, overflow="fold", header_style="bold")
        needed += least + GAP
    for row in cells:
        table.add_row(*row)
    console = Console(highlight=False, color_system=None if Console().no_color else "auto")  # NO_COLOR: not even bold
    width = max(needed, console.width) if sys.stdout.isatty() else UNBOUNDED
    console.size = (width, console.height)  # without a height, a dumb terminal has 80 columns whatever the width says
    console.print(table)


def _cell(value: object) -> str:
    """Return a value as people read it, without characters that would steer their terminal."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return format_time(value.replace(microsecond=0))
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
