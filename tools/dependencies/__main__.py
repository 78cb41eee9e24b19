"""Prints every dependency that isn't where it is used; the exit code is 1 where there is one."""

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from tools.dependencies.declared import read
from tools.dependencies.findings import findings
from tools.dependencies.imports import imports_of

REPOSITORY = Path(__file__).parents[2]
FIRST_PARTY = ("automation", "benchmarks", "handlers", "security", "tests", "tools")


def main() -> int:
    """Look through the whole tree."""
    declared = read(REPOSITORY / "pyproject.toml")
    imports = {room.name: list(imports_of(room, REPOSITORY, FIRST_PARTY)) for room in declared.rooms}
    found = list(findings(declared, imports, packages_distributions()))
    for line in found:
        print(line)
    if not found:
        print(f"{sum(map(len, imports.values()))} imports are declared where they are used.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
