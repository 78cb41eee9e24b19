"""Finds the actions that installed packages register, and says of each unusable one what is wrong with it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points

from automation.engine.actions.action import Action
from automation.engine.actions.definition import Definition, UnusableAction
from automation.engine.actions.resources import ActionResources

GROUP = "automation.actions"


class BrokenActions(Exception):
    """Actions are installed that can't be used; ``lines`` has one clear sentence for each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


def installed(resources: ActionResources) -> list[Definition]:
    """Return every action of the entry point group ``automation.actions``, sorted by name.

    Raises:
        BrokenActions: for every one that can't be imported, isn't an action, or has the name of another.
    """
    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    lines = list(_duplicates(found))
    definitions = []
    for entry in found:
        try:
            definitions.append(_definition(entry, resources))
        except UnusableAction as error:
            lines.append(f"action {entry.name} of {_origin(entry)}: {error}")
    if lines:
        raise BrokenActions(lines)
    return definitions


def _duplicates(found: list[EntryPoint]) -> Iterator[str]:
    for name, count in Counter(entry.name for entry in found).items():
        if count > 1:
            origins = " and ".join(sorted(_origin(entry) for entry in found if entry.name == name))
            yield f"action {name}: registered {count} times, by {origins}"


def _definition(entry: EntryPoint, resources: ActionResources) -> Definition:
    action = _made(entry, resources)
    if not isinstance(action, Action):
        raise UnusableAction(f"{entry.value} leads to neither an Action nor a function that returns one")
    if action.name != entry.name:
        raise UnusableAction(f"{entry.value} is an action of another name, {action.name}")
    return Definition(action)


def _made(entry: EntryPoint, resources: ActionResources) -> object:
    try:
        target = entry.load()
        return target(resources) if callable(target) else target
    except Exception as error:
        # Foreign code: whatever it raises at import must become one line, not end the others' check.
        sentence = f"{entry.value} can't be loaded: {type(error).__name__}: {error}"
        raise UnusableAction(" ".join(sentence.split())) from error


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
