"""Draws a comparison's JSON as one picture; runs where Matplotlib is, in the peers' environment."""

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


def draw(measured: dict[str, Any], target: Path) -> None:
    """Draw requests a second, and the processor's seconds per 1,000 requests, of every target."""
    targets = sorted(measured["targets"], key=lambda each: each["median"]["rate"])
    figure, (rates, costs) = plt.subplots(1, 2, figsize=(13, 0.42 * len(targets) + 1.6), sharey=True)
    _dots(rates, targets, "rate", "{:,.0f}")
    rates.set_title("requests a second", loc="left", fontsize=10)
    _dots(costs, targets, "cpu", "{:.3f}")
    costs.set_title("the server's processor seconds per 1,000 requests", loc="left", fontsize=10)
    figure.suptitle(_caption(measured), x=0.01, ha="left", fontsize=9)
    figure.tight_layout()
    figure.savefig(target, dpi=130)


def _caption(measured: dict[str, Any]) -> str:
    options = measured["options"]
    extent = f"{options['executions']:,} executions; median of {options['rounds']} x {options['seconds']:g} s"
    return f"GET one execution, 16 connections, {extent}; {measured['machine']['processor']}; logarithmic scales"


def _dots(axes: Axes, targets: Sequence[dict[str, Any]], column: str, form: str) -> None:
    """Draw dots and not bars: on a logarithmic scale, lengths say nothing."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_yticks(range(len(targets)), [each["title"] for each in targets])
    for row, each in enumerate(targets):
        if (value := each["median"][column]) is not None:
            colour = OURS if each["name"].startswith("service") else THEIRS
            axes.plot(value, row, "o", color=colour, markersize=8)
            axes.annotate(form.format(value), (value, row), (8, -3), textcoords="offset points", fontsize=8)
    axes.grid(axis="both", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.18, y=0.06)
    axes.tick_params(labelsize=8)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
