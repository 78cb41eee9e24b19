"""Tables in Markdown, ready for a page, and readable as they are."""

import statistics
from collections.abc import Sequence


def number(value: float | None, form: str) -> str:
    """Return a number in a form such as ``{:.2f}``; nothing where there is none."""
    return "" if value is None else form.format(value)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns line up in the source too; all but the first are of numbers."""
    widths = [max(3, *(len(row[column]) for row in (header, *rows))) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (header, rule, *rows))


def middle_half(values: Sequence[float], form: str) -> str:
    """Return between what the middle half of some values is."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return f"{form.format(low)} to {form.format(high)}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [cells[0].ljust(widths[0])]
    aligned += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join(aligned)} |"
