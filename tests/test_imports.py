"""Modules that say what they are hold what tests share: a test module is imported by pytest alone."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
IMPORT = re.compile(r"\b(?:from|import) +(tests(?:\.\w+)*\.test_\w+)|\bfrom +(tests(?:\.\w+)*) +import +[^\n]*\btest_")


def test_no_module_imports_a_test_module() -> None:
    importing = {
        str(path.relative_to(TESTS)): found.group()
        for path in sorted(TESTS.rglob("*.py"))
        if (found := IMPORT.search(path.read_text(encoding="utf-8")))
    }

    assert importing == {}
