"""Compares imports with declarations: what is missing where it is used, and what is declared for nobody."""

from collections.abc import Iterator, Mapping, Sequence

from tools.dependencies.declared import PROJECT, Declared, Room, normalized
from tools.dependencies.imports import Import

Distributions = Mapping[str, Sequence[str]]


def findings(
    declared: Declared, imports: Mapping[str, Sequence[Import]], distributions: Distributions
) -> Iterator[str]:
    """Yield a line for each dependency that isn't where it belongs.

    Args:
        declared: What pyproject.toml says.
        imports: What each room imports, by the room's name.
        distributions: The installed distributions that a module comes with, by its name.
    """
    used: dict[str, set[str]] = {name: set() for name in declared.groups}
    for room in declared.rooms:
        for each in imports[room.name]:
            group = _group(each, room, declared, distributions)
            if group is None:
                yield f"{each.place} imports {each.module}, which isn't in {_tables(room)}"
            else:
                used[group] |= _names(each, distributions)
    for name, distribution in _unused(declared, used):
        yield f"nobody imports {distribution} of {name}: remove it, or say in [tool.dependencies.by-name] who loads it"
    for name, distribution in _stale(declared, used):
        yield f"[tool.dependencies.by-name] explains {distribution} of {name}, which needs no explanation"


def _names(each: Import, distributions: Distributions) -> set[str]:
    """Return the distributions that have a module; one that isn't installed has the name of its module."""
    return {normalized(name) for name in distributions.get(each.module, (each.module,))}


def _group(each: Import, room: Room, declared: Declared, distributions: Distributions) -> str | None:
    names = _names(each, distributions)
    return next((group for group in room.groups if names & (declared.groups[group] | declared.extras[group])), None)


def _unused(declared: Declared, used: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    for name, distributions in declared.groups.items():
        for distribution in sorted(distributions - used[name] - declared.by_name.get(name, {}).keys()):
            yield name, distribution


def _stale(declared: Declared, used: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    for name, reasons in declared.by_name.items():
        for distribution in sorted(reasons):
            if distribution in used.get(name, ()) or distribution not in declared.groups.get(name, ()):
                yield name, distribution


def _tables(room: Room) -> str:
    return " or ".join(f"[{group}]" if group == PROJECT else group for group in room.groups)
