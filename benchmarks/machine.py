"""The machine that the numbers were measured on: without it they say nothing."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import psutil

from automation.storage.embedded.programs import MAJOR

BUSY = 0.5
"""A load of the machine, before anything is measured, from which on the numbers aren't to be trusted."""


def describe() -> dict[str, str]:
    """Return what the machine is and what runs on it, each in a few words."""
    found = {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": str(MAJOR),
        "Node": _said("node", "--version"),
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
    return {name: value for name, value in found.items() if value}


def warn_if_busy() -> None:
    """Say so where something else is at work on this machine."""
    if (busy := os.getloadavg()[0]) > BUSY:
        print(f"WARNING: something else is at work here (load {busy:.1f}): don't trust these numbers.", flush=True)


def _processor() -> str:
    try:
        models = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        models = []
    return models[0] if models else platform.machine()


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
