"""The wheel: what is installed elsewhere has the contract and the migrations in it, and finds them."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.system.processes import REPOSITORY, environment

PROGRAM = """
from automation.contract.document.document import default_path
from automation.service.application import load_contract
from automation.storage.migration import head
print(default_path(), len(load_contract().operations) > 0, head() is not None)
"""


def test_the_wheel_has_the_contract_and_the_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, REPOSITORY], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=installed, env=environment({}), capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [str(installed / "automation/contract/openapi.yaml"), "True", "True"]
