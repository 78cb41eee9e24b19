"""Declarations of pyproject.toml, and what it says of dependencies that no import shows."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from typing import Any

_NAME = re.compile(r"([A-Za-z0-9._-]+)(?:\[([^]]+)])?")

PROJECT = "project.dependencies"


@dataclass(frozen=True, slots=True)
class Room:
    """A part of the tree whose imports are held to some groups.

    Args:
        name: For messages.
        paths: Its files and directories.
        excluding: What of it belongs to another room.
        groups: Where its imports may be declared.
    """

    name: str
    paths: tuple[str, ...]
    excluding: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """All that is declared.

    ``groups`` are the names of distributions by the table that declares them, ``extras`` what comes with their extras,
    ``rooms`` who may use which, and ``by_name`` the reasons for those that no import shows, by group and distribution.
    """

    groups: Mapping[str, frozenset[str]]
    extras: Mapping[str, frozenset[str]]
    rooms: tuple[Room, ...]
    by_name: Mapping[str, Mapping[str, str]]


def read(pyproject: Path) -> Declared:
    """Return what a pyproject.toml declares."""
    document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    settings = document["tool"]["dependencies"]
    rooms = tuple(
        Room(name, tuple(room["paths"]), tuple(room.get("excluding", ())), tuple(room["groups"]))
        for name, room in settings["rooms"].items()
    )
    requirements = dict(_groups(document))
    return Declared(
        {name: frozenset(distribution for distribution, _ in each) for name, each in requirements.items()},
        {name: frozenset(_with_extras(each)) for name, each in requirements.items()},
        rooms,
        settings["by-name"],
    )


def normalized(name: str) -> str:
    """Return a distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _groups(document: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield PROJECT, _names(document["project"]["dependencies"])
    for name, requirements in document["project"].get("optional-dependencies", {}).items():
        yield name, _names(requirements)
    for name, requirements in document.get("dependency-groups", {}).items():
        yield name, _names(each for each in requirements if isinstance(each, str))


def _names(requirements: Iterable[str]) -> list[tuple[str, str]]:
    """Return each requirement's distribution, and its extras as they are written."""
    found = (_NAME.match(each) for each in requirements)
    return [(normalized(match.group(1)), match.group(2) or "") for match in found if match]


def _with_extras(requirements: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield what installed distributions say that their extras bring."""
    for distribution, extras in requirements:
        wanted = {extra.strip() for extra in extras.split(",") if extra.strip()}
        for line in requires(distribution) or () if wanted else ():
            requirement, _, marker = line.partition(";")
            if any(re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", marker) for extra in wanted):
                yield from (name for name, _ in _names([requirement]))
