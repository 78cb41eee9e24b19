"""The linters find mistakes in the contract: run just as ``make contract`` runs them, on one with a mistake planted."""

import copy
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped_contract.shipped import DOCUMENT
from tests.system.processes import REPOSITORY

Json = dict[str, Any]


def a_wrong_example(document: Json) -> None:
    document["components"]["examples"]["CompletedExecution"]["value"]["data"]["status"] = "unheard of"


def an_undeclared_tag(document: Json) -> None:
    document["paths"]["/healthz"]["get"]["tags"] = ["Nobody"]


def nothing(_: Json) -> None:
    """Make no mistake."""


def lint(name: str, document: Path) -> "subprocess.CompletedProcess[str]":
    """Run a linter with the words of the Makefile, but on another document."""
    (line,) = [line for line in (REPOSITORY / "Makefile").read_text().splitlines() if f"{name} lint" in line]
    assert "openapi.yaml" in line
    command = ["/usr/bin/env", *shlex.split(line.replace("openapi.yaml", str(document)))]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(
    ("name", "mistake", "rule"),
    [
        ("redocly", a_wrong_example, "no-invalid-media-type-examples"),
        ("spectral", an_undeclared_tag, "operation-tag-defined"),
    ],
)
def test_a_mistake_is_found_and_nothing_else(
    tmp_path: Path, name: str, mistake: Callable[[Json], None], rule: str
) -> None:
    sound, mistaken = write(tmp_path / "sound.yaml", nothing), write(tmp_path / "mistaken.yaml", mistake)

    accepted, refused = lint(name, sound), lint(name, mistaken)

    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert refused.returncode == 1
    assert rule in refused.stdout + refused.stderr


def write(path: Path, mistake: Callable[[Json], None]) -> Path:
    """Write the contract with a mistake in it."""
    document = copy.deepcopy(dict(DOCUMENT))
    mistake(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return path
