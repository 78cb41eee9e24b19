"""The generators as programs: run with the pinned tools in reach, heard only when they fail."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PYTHON_PROGRAMS = Path(sys.executable).parent
NODE_MODULES = REPOSITORY / "node_modules"
NODE_PROGRAMS = NODE_MODULES / ".bin"
SOON_OVER = "-XX:TieredStopAtLevel=1"
"""Has Java compile once and quickly: a generator is over before thoroughness pays, which took as long again."""


class GenerationFailed(Exception):
    """A generator failed; the message is its own."""


def run(program: Path, arguments: Sequence[str | Path]) -> None:
    """Run a program to its end.

    Raises:
        GenerationFailed: It is not installed, or it failed.
    """
    try:
        done = subprocess.run(
            [program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=_reach(),
        )
    except FileNotFoundError as error:
        message = f"{program.name} is not installed: `make sdk` installs what it needs"
        raise GenerationFailed(message) from error
    if done.returncode != 0:
        raise GenerationFailed(f"{program.name} failed:\n{done.stdout.strip()}")


def _reach() -> dict[str, str]:
    """Return an environment in which generators find each other, and leave nothing behind but what was asked for."""
    path = os.pathsep.join(filter(None, [str(PYTHON_PROGRAMS), os.environ.get("PATH")]))
    return {"JAVA_OPTS": SOON_OVER, **os.environ, "PATH": path, "RUFF_NO_CACHE": "true", "NO_COLOR": "1"}
