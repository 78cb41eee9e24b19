"""Each client's program, run against a service with the demo's data; it ends with 0 only where all was as it says."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.outside.sdk.generated import PROGRAMS, TSC, Sdks

TIMEOUT_SECONDS = 300


def exercise_python(base_url: str, demo: Path, sdks: Sdks) -> None:
    """Call every operation with the Python client.

    Args:
        base_url: Where the service is, or what stands before it.
        demo: The path of the service's demo.json; its own ``base_url`` is not looked at.
        sdks: The clients.
    """
    program = PROGRAMS / "every_operation.py"
    _perform([sys.executable, program], base_url, demo, {"PYTHONPATH": str(sdks.python)})


def exercise_typescript(base_url: str, demo: Path, sdks: Sdks) -> None:
    """Do the same with the TypeScript client."""
    _perform(["node", sdks.node / "compiled" / "every_operation.js"], base_url, demo)


def exercise_typescript_fetch(base_url: str, demo: Path, sdks: Sdks) -> None:
    """Do the same with openapi-generator's client."""
    _perform(["node", sdks.node / "compiled" / "every_operation_fetch.js"], base_url, demo)


def type_check_python(program: Path, sdks: Sdks) -> "subprocess.CompletedProcess[str]":
    """Check a program, and the client that it uses, with ``mypy --strict`` and no settings of this project's."""
    cache = str(sdks.python / ".mypy_cache")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", cache]
    environment = {**os.environ, "MYPYPATH": str(sdks.python)}
    return subprocess.run([*mypy, program], env=environment, capture_output=True, text=True, check=False)


def compile_typescript(project: Path) -> "subprocess.CompletedProcess[str]":
    """Compile a project with the strictness that its settings ask for."""
    return subprocess.run([TSC, "--project", project], capture_output=True, text=True, check=False)


def _perform(
    command: Sequence[str | Path], base_url: str, demo: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a program that is told by its environment where the service is, and the text of demo.json."""
    told = {"BASE_URL": base_url, "DEMO": demo.read_text(), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command,
        env={**os.environ, **told, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
