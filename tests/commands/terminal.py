"""The command as its users run it, in an environment that holds no settings but those that a test says.

``run`` starts a process, forked where it can be; ``call`` runs the same program in this one, which costs less still.
"""

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from automation.commands import program
from tests.system.processes import run_to_end

COMMAND = Path(sys.executable).with_name("automation")
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Outcome:
    """What a command that has ended leaves behind."""

    code: int
    output: str
    errors: str


def run(*arguments: str | Path, settings: Mapping[str, str] = NOTHING) -> Outcome:
    """Run the command to its end, as a process of its own."""
    done = run_to_end([str(argument) for argument in arguments], environment(settings))
    return Outcome(done.returncode, done.stdout, done.stderr)


def call(*arguments: str | Path, settings: Mapping[str, str] = NOTHING) -> Outcome:
    """Run the command to its end, in this process."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        for name in filter(_is_setting, list(os.environ)):
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        code = program.run([str(argument) for argument in arguments])
    return Outcome(code, output.getvalue(), errors.getvalue())


def document(*arguments: str | Path, settings: Mapping[str, str] = NOTHING) -> Any:
    """Run the command with ``--json`` in this process, and return the one document that it prints."""
    done = call(*arguments, "--json", settings=settings)
    assert (done.code, done.errors) == (0, "")
    return json.loads(done.output)


def assert_refused(done: Outcome, *parts: str, code: int = 2) -> None:
    """Expect one line on standard error, which has all the parts, and nothing on standard output."""
    assert (done.code, done.output) == (code, ""), done.errors
    assert len(done.errors.splitlines()) == 1, done.errors
    for part in parts:
        assert part in done.errors


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with no settings of the service but these."""
    others = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    return {**others, **settings}


def _is_setting(name: str) -> bool:
    return name.startswith("AUTOMATION_")
