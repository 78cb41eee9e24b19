"""Positions of findings in the contract's file, so that an editor can go there: ``file:line:column``."""

import re
from typing import NamedTuple
from urllib.parse import unquote

import yaml

from automation.contract.document.document import Loader
from automation.contract.document.findings import Finding
from automation.contract.document.outline import METHODS

_stated = re.compile(r"line (\d+), column (\d+)").fullmatch
_operation = re.compile(rf"({'|'.join(METHODS)}) (/.*)", re.IGNORECASE).fullmatch


class Position(NamedTuple):
    """A place in a text; both numbers begin with 1."""

    line: int
    column: int


class Positions:
    """Finds where in a text findings are about.

    Args:
        text: The document as it stands in its file; it need not be right, nor YAML at all.
    """

    def __init__(self, text: str) -> None:
        self._root = _composed(text)

    def locate(self, finding: Finding) -> Position:
        """Return where a finding's part begins, or the nearest one around it that is in the text."""
        if stated := _stated(finding.where):
            return Position(int(stated[1]), int(stated[2]))
        node, mark = self._root, None if self._root is None else self._root.start_mark
        for part in _parts(finding.where):
            key, node = _child(node, part)
            if node is None:
                break
            mark = (key or node).start_mark
        return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader)
    except (yaml.YAMLError, RecursionError):
        return None


def _parts(where: str) -> list[str]:
    """Return the way to a part: of a JSON pointer or an operation; none of anything else."""
    if operation := _operation(where):
        return ["paths", operation[2], operation[1].lower()]
    if not where.startswith("#/"):
        return []
    return [unquote(part).replace("~1", "/").replace("~0", "~") for part in where[2:].split("/")]


def _child(node: yaml.Node | None, part: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return the key and the value of a member, or None and an item; twice None where there is none."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), (None, None))
    if isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return None, node.value[int(part)]
    return None, None
