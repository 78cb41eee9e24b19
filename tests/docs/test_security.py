"""The security page answers each of the ten risks, and names tests that exist."""

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
RISKS = {
    "API1:2023 Broken object level authorization",
    "API2:2023 Broken authentication",
    "API3:2023 Broken object property level authorization",
    "API4:2023 Unrestricted resource consumption",
    "API5:2023 Broken function level authorization",
    "API6:2023 Unrestricted access to sensitive business flows",
    "API7:2023 Server side request forgery",
    "API8:2023 Security misconfiguration",
    "API9:2023 Improper inventory management",
    "API10:2023 Unsafe consumption of APIs",
}
"""As OWASP calls them, in the page's letters."""

_section = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_test = re.compile(r"^- `(tests/[\w/]+\.py)::(\w+)`$", re.MULTILINE)
_named = re.compile(r"`tests/")


def sections() -> Mapping[str, str]:
    """Return the page's sections by their titles."""
    return dict(_section.findall((REPOSITORY / "docs/security.md").read_text(encoding="utf-8")))


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of a file's tests, those of classes too."""
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_"))


def test_each_of_the_ten_risks_is_answered() -> None:
    assert sections().keys() == RISKS


@pytest.mark.parametrize("risk", sorted(RISKS))
def test_the_tests_that_hold_an_answer_exist(risk: str) -> None:
    text = sections()[risk]

    named = _test.findall(text)

    assert named
    assert len(named) == len(_named.findall(text)), "each stands on a line of its own, with its file"
    assert [f"{file}::{name}" for file, name in named if name not in names_in(file)] == []


def test_who_finds_something_is_told_where_to_say_it() -> None:
    page = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")

    assert "## Report a vulnerability" in page
    assert "docs/security.md" in page
