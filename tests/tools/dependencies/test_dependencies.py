"""An import is found where its dependency isn't declared for its room, and a dependency that nobody needs is found."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.dependencies.declared import Declared, Room, read
from tools.dependencies.findings import findings
from tools.dependencies.imports import Import, imports_of

PYPROJECT = """
[project]
dependencies = ["PyYAML>=6", "psycopg[pool]>=3"]

[project.optional-dependencies]
demo = ["aiosmtpd>=1"]

[dependency-groups]
build = ["hatchling"]
dev = [{ include-group = "build" }, "aiosmtpd>=1", "ruff"]

[tool.dependencies.rooms]
service = { paths = ["service"], excluding = ["service/demo"], groups = ["project.dependencies"] }
demo = { paths = ["service/demo"], groups = ["project.dependencies", "demo"] }
tests = { paths = ["tests"], groups = ["dev", "project.dependencies"] }

[tool.dependencies.by-name.build]
hatchling = "builds"

[tool.dependencies.by-name.dev]
ruff = "is run"
"""

RIGHT = {
    "service/pages.py": "import json\nimport yaml\nfrom service import demo\n",
    "service/pool.py": "def connect():\n    from psycopg_pool import ConnectionPool\n    import psycopg\n",
    "service/demo/mail.py": "from aiosmtpd.controller import Controller\nimport yaml\n",
    "tests/mail.py": "import aiosmtpd.smtp\nimport yaml\n",
}
DISTRIBUTIONS = {"yaml": ["PyYAML"], "aiosmtpd": ["aiosmtpd"], "psycopg_pool": ["psycopg-pool"]}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    for name, source in RIGHT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    return tmp_path


def found(tree: Path) -> list[str]:
    declared = read(tree / "pyproject.toml")
    imports = {room.name: list(imports_of(room, tree, ["service"])) for room in declared.rooms}
    return list(findings(declared, imports, DISTRIBUTIONS))


def test_nothing_is_found_where_every_import_is_declared(tree: Path) -> None:
    assert found(tree) == []


def test_an_import_that_is_declared_for_development_alone_is_found_in_the_service(tree: Path) -> None:
    (tree / "service" / "receivers.py").write_text("import json\n\nfrom aiosmtpd.handlers import Sink\n")

    assert found(tree) == ["service/receivers.py:3 imports aiosmtpd, which isn't in [project.dependencies]"]


@pytest.mark.parametrize(
    "source",
    [
        "def late():\n    import requests\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import requests\n",
        "try:\n    import requests\nexcept ImportError:\n    requests = None\n",
    ],
)
def test_an_import_is_found_wherever_it_stands(tree: Path, source: str) -> None:
    (tree / "service" / "calls.py").write_text(source)

    assert [line.partition(", which")[0].partition(" ")[2] for line in found(tree)] == ["imports requests"]


def test_what_only_another_package_brings_is_found(tree: Path) -> None:
    (tree / "tests" / "numbers.py").write_text("import psycopg_binary\n")

    assert len(found(tree)) == 1


def test_a_dependency_that_nobody_imports_is_found(tree: Path) -> None:
    (tree / "service" / "pages.py").write_text("")
    (tree / "service" / "demo" / "mail.py").write_text("")

    assert found(tree) == [
        "nobody imports aiosmtpd of demo: remove it, or say in [tool.dependencies.by-name] who loads it"
    ]


@pytest.mark.parametrize(
    ("reason", "name"),
    [('aiosmtpd = "sends"', "aiosmtpd"), ('gone = "was needed once"', "gone")],
)
def test_a_reason_that_nothing_needs_any_more_is_found(tree: Path, reason: str, name: str) -> None:
    with (tree / "pyproject.toml").open("a") as file:
        file.write(reason)

    assert found(tree) == [f"[tool.dependencies.by-name] explains {name} of dev, which needs no explanation"]


def test_a_distribution_that_is_not_installed_is_known_by_its_module() -> None:
    declared = Declared({"bench": frozenset({"fast-api"})}, {"bench": frozenset()}, (ROOM,), {})
    imports: Mapping[str, list[Import]] = {"peers": [Import("fast_api", "peers.py:1")]}

    assert list(findings(declared, imports, {})) == []


ROOM = Room("peers", ("peers.py",), (), ("bench",))
