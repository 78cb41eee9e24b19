"""Prints the names that nothing uses, as vulture finds them, tests left out; the exit code is 3 where there is one.

What vulture can't see to be used stands in ``pyproject.toml``, each with its reason. Handlers are used by the contract:
those of its operationIds are known from there.
"""

import sys
from pathlib import Path
from typing import Any

from vulture.config import make_config
from vulture.core import Vulture

from automation.contract.document.document import default_path, load
from automation.contract.document.naming import snake_case

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main(pyproject: Path = PYPROJECT) -> int:
    """Look through the paths that a ``pyproject.toml`` names."""
    with pyproject.open("rb") as file:
        config = make_config([], file)
    used = [*config["ignore_names"], *_handlers()]
    vulture = Vulture(ignore_names=used, ignore_decorators=config["ignore_decorators"])
    vulture.scavenge([str(pyproject.parent / path) for path in config["paths"]])
    code: int = vulture.report(min_confidence=config["min_confidence"]).value
    return code


def _handlers() -> list[str]:
    paths: dict[str, dict[str, Any]] = load(default_path())["paths"]
    operations = (entry for item in paths.values() for entry in item.values() if "operationId" in entry)
    return [snake_case(operation["operationId"]) for operation in operations]


if __name__ == "__main__":
    sys.exit(main())
