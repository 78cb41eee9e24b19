"""The wheel: what is installed elsewhere has the contract and the migrations in it, and finds them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.system.processes import REPOSITORY, environment

PROGRAM = """
from automation.contract.document.document import default_path
from automation.engine.actions import Actions
from automation.service.application import load_document
from automation.storage.revisions import head
print(default_path(), len(load_document(Actions.load())["paths"]) > 0, head() is not None)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the wheel is unpacked in."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", place, REPOSITORY], check=True, timeout=120)
    (wheel,) = place.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(place / "installed")
    return place / "installed"


def test_the_wheel_has_the_contract_and_the_migrations(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=installed, env=environment({}), capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [str(installed / "automation/contract/openapi.yaml"), "True", "True"]


def test_the_wheel_has_every_file_of_the_migrations(installed: Path) -> None:
    def migrations(root: Path) -> set[str]:
        directory = root / "automation/storage/migrations"
        return {
            str(path.relative_to(directory))
            for path in directory.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }

    assert migrations(installed) == migrations(REPOSITORY)
