"""The types of the clients in use: correct programs are taken, and every mistake in others is found."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.outside.sdk.exercises import compile_typescript, type_check_python
from tests.outside.sdk.generated import PROGRAMS, Sdks

MISTAKES = PROGRAMS / "mistakes"
FOUND_BY_MYPY = re.compile(r"mistakes\.py:(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)
FOUND_BY_TSC = re.compile(r"mistakes\.ts\((\d+),\d+\): error (TS\d+)")


def test_mypy_finds_nothing_in_the_python_program_and_its_client(sdks: Sdks) -> None:
    done = type_check_python(PROGRAMS / "every_operation.py", sdks)

    assert done.returncode == 0, done.stdout


def test_mypy_finds_every_mistake(sdks: Sdks) -> None:
    done = type_check_python(MISTAKES / "mistakes.py", sdks)

    assert set(FOUND_BY_MYPY.findall(done.stdout)) == set(_expected(MISTAKES / "mistakes.py", "  # "))


def test_the_compiler_finds_nothing_in_the_typescript_programs(sdks: Sdks) -> None:
    programs = {path.stem for path in PROGRAMS.glob("*.ts")}

    compiled = {path.stem for path in (sdks.node / "compiled").iterdir()}

    assert compiled == programs, "where it finds anything it writes nothing, and nothing could be exercised"


def test_the_compiler_finds_every_mistake(sdks: Sdks) -> None:
    done = compile_typescript(sdks.node / "mistakes")

    assert set(FOUND_BY_TSC.findall(done.stdout)) == set(_expected(MISTAKES / "mistakes.ts", "; // "))


def _expected(program: Path, comment: str) -> Iterator[tuple[str, str]]:
    """Yield the number of each line that has a mistake, and the error that it says."""
    for number, line in enumerate(program.read_text().splitlines(), start=1):
        _, found, error = line.rpartition(comment)
        if found:
            yield str(number), error
