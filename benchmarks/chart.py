"""Draws a comparison's JSON as one picture; runs where Matplotlib is, in the peers' environment.

Usage: chart.py requests|engines JSON PICTURE
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend is chosen first
from matplotlib.axes import Axes

OURS = "#1f6f8b"
THEIRS = "#94a3ad"


Panel = tuple[str, str, str]
"""What it shows, where that is in a target, and how a figure is written."""

PANELS: dict[str, Sequence[Panel]] = {
    "requests": (
        ("requests a second", "median.rate", "{:,.0f}"),
        ("the server's processor seconds per 1,000 requests", "median.cpu", "{:.3f}"),
    ),
    "engines": (
        ("jobs a second, from a backlog", "median.rate", "{:,.0f}"),
        ("the workers' processor seconds per 1,000 jobs", "median.cpu", "{:.2f}"),
        ("trigger to first call, idle, p50 in ms", "idle.p50", "{:.1f}"),
    ),
}


def draw(kind: str, measured: dict[str, Any], target: Path) -> None:
    """Draw a comparison of that kind, a panel beside the other, of every target."""
    targets = sorted(measured["targets"], key=lambda each: each["median"]["rate"])
    panels = PANELS[kind]
    size = (6.5 * len(panels), 0.42 * len(targets) + 1.6)
    figure, all_axes = plt.subplots(1, len(panels), figsize=size, sharey=True)
    for axes, (title, path, form) in zip(all_axes, panels, strict=True):
        _dots(axes, targets, path, form)
        axes.set_title(title, loc="left", fontsize=10)
    caption = _of_requests(measured) if kind == "requests" else _of_engines(measured)
    figure.suptitle(f"{caption}; {measured['machine']['processor']}; logarithmic scales", x=0.01, ha="left", fontsize=9)
    figure.tight_layout()
    figure.savefig(target, dpi=130)


def _of_engines(measured: dict[str, Any]) -> str:
    options = measured["options"]
    extent = f"median of {options['rounds']} x {options['executions']:,} jobs"
    return f"Jobs of one webhook each, {options['concurrency']} at a time; {extent}"


def _of_requests(measured: dict[str, Any]) -> str:
    options = measured["options"]
    extent = f"{options['executions']:,} executions; median of {options['rounds']} x {options['seconds']:g} s"
    return f"GET one execution, 16 connections, {extent}"


def _dots(axes: Axes, targets: Sequence[dict[str, Any]], path: str, form: str) -> None:
    """Draw dots and not bars: on a logarithmic scale, lengths say nothing."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_yticks(range(len(targets)), [each["title"] for each in targets])
    for row, each in enumerate(targets):
        if (value := _value(each, path)) is not None:
            colour = OURS if each["name"].startswith("service") else THEIRS
            axes.plot(value, row, "o", color=colour, markersize=8)
            axes.annotate(form.format(value), (value, row), (8, -3), textcoords="offset points", fontsize=8)
    axes.grid(axis="both", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.18, y=0.06)
    axes.tick_params(labelsize=8)


def _value(target: dict[str, Any], path: str) -> float | None:
    """Return a figure of a target, None where it has none."""
    part, name = path.split(".")
    return (target[part] or {}).get(name)


if __name__ == "__main__":
    draw(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]))
