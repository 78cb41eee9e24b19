"""Loads the contract's text: YAML without templates, timestamps or keys given twice.

Connexion would render the file as a Jinja template and take the last of two equal keys; PyYAML would turn dates into
objects that no JSON has. OpenAPI asks for YAML 1.2's JSON schema instead, which is what this loader knows.
"""

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError

from automation.contract.document.findings import ContractError, Finding
from automation.contract.document.nodes import nodes

Document = dict[str, Any]

FILE_NAME = "openapi.yaml"
MAX_NODES = 200_000


def default_path() -> Path:
    """Return where the shipped contract is: beside this module in a wheel, at the top of a checkout."""
    packaged = Path(__file__).parents[1] / FILE_NAME
    return packaged if packaged.exists() else Path(__file__).parents[3] / FILE_NAME


def load(path: Path) -> Document:
    """Return the document in a file, with strings for keys and nothing in it that JSON doesn't have.

    Raises:
        ContractError: The file can't be read, isn't UTF-8 or YAML, or isn't a mapping.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError([Finding(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ContractError([Finding(_place(error), "is not UTF-8")]) from error


def parse(text: str) -> Document:
    """Return the document that a text is.

    Raises:
        ContractError: The text is empty or not YAML, has a key twice, or is not a mapping.
    """
    try:
        loaded = yaml.load(text, Loader)  # noqa: S506 - a subclass of CSafeLoader
    except yaml.YAMLError as error:
        raise ContractError([_finding(error)]) from error
    except RecursionError as error:
        raise ContractError([Finding("#", "is nested too deeply")]) from error
    if loaded is None:
        raise ContractError([Finding("#", "is empty")])
    if not isinstance(loaded, dict):
        raise ContractError([Finding("#", "is not a mapping")])
    if sum(1 for _ in islice(nodes(loaded), MAX_NODES + 1)) > MAX_NODES:
        raise ContractError([Finding("#", f"has more than {MAX_NODES} nodes, or refers to itself through an alias")])
    # Every alias becomes a copy of its own, so that nothing is changed in two places.
    document: Document = json.loads(json.dumps(loaded, allow_nan=False))
    return document


def _finding(error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "#"
    return Finding(where, getattr(error, "problem", None) or "is not YAML")


def _place(error: UnicodeDecodeError) -> str:
    lines = error.object[: error.start].split(b"\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


class Loader(Composer, yaml.CSafeLoader):
    """Reads YAML 1.2's JSON schema: null, true, false, decimal numbers; everything else is a string.

    The text is taken apart in C, which is ten times as fast, and put together in Python, whose recursion has an end.
    """

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping with strings for keys, and refuse a key that stands there twice."""
        keys: set[str] = set()
        for key_node, _ in node.value:
            key = self._key(key_node)
            if key in keys:
                raise ConstructorError(None, None, f"the key {key} is given twice", key_node.start_mark)
            keys.add(key)
        mapping = super().construct_mapping(node, deep=deep)
        return {str(key): value for key, value in mapping.items()}

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag.endswith((":null", ":bool", ":float")):
            raise ConstructorError(None, None, "a key is not a string", node.start_mark)
        return str(node.value)


Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
    list("-0123456789"),
)
