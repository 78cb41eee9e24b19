"""The actions that rules can use here: checked once at start, then asked by type."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from automation.contract.compiled.violations import choice
from automation.engine.actions.action import (
    Action,
    ActionCall,
    ActionFailed,
    ActionResult,
    ActionTimedOut,
    ActionWithheld,
    ConfigFault,
    Syntax,
)
from automation.engine.actions.definition import Definition, UnusableAction
from automation.engine.actions.discovery import BrokenActions, installed
from automation.engine.actions.output import plain_result
from automation.engine.actions.resources import ActionResources

# Actions keep their deadline themselves, and then know what they have sent; this stops one that doesn't.
_GRACE = 0.5
_MOST_NAMED = 200


class Actions:
    """A closed set of actions, by type; made by ``load``, or by ``of`` from actions at hand."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._definitions = {definition.action.name: definition for definition in definitions}

    @classmethod
    def load(cls, resources: ActionResources | None = None) -> Self:
        """Return every action that an installed package registers in the entry point group ``automation.actions``.

        Args:
            resources: What actions are made with; whoever only checks configs needs none.

        Raises:
            BrokenActions: with one line for every one that can't be used.
        """
        return cls(installed(resources or ActionResources()))

    @classmethod
    def of(cls, actions: Iterable[Action]) -> Self:
        """Return exactly these actions.

        Raises:
            BrokenActions: with one line for every one that can't be used, or has the name of another.
        """
        definitions: dict[str, Definition] = {}
        lines = []
        for action in actions:
            try:
                definition = Definition(action)
            except UnusableAction as error:
                lines.append(f"action {action.name}: {error}")
                continue
            if definitions.setdefault(action.name, definition) is not definition:
                lines.append(f"action {action.name}: given more than once")
        if lines:
            raise BrokenActions(lines)
        return cls(definitions.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The types that rules can use, sorted."""
        return tuple(sorted(self._definitions))

    def definition(self, name: str) -> Action:
        """Return an action as its package defines it.

        Raises:
            KeyError: There is none of this type.
        """
        return self._definitions[name].action

    @property
    def written_schemas(self) -> Mapping[str, Mapping[str, Any]]:
        """The configs of each type as rules write them, in the contract's words (OpenAPI 3.0); sorted by type."""
        return {name: self._definitions[name].written_schema for name in self.names}

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def waits(self, name: str) -> bool:
        """Return whether actions of a type rest until ``resume_at`` instead of running; False for unknown types."""
        return name in self._definitions and self._definitions[name].action.resume_at is not None

    def syntaxes(self, name: str) -> Mapping[str, Syntax]:
        """Return which strings of a config of a type are URLs or HTML, by their pointers; none for unknown types."""
        return self._definitions[name].action.syntaxes if name in self._definitions else {}

    def check(self, name: str, config: object) -> list[ConfigFault]:
        """Return what is wrong with a rule's action as it is written, nothing where it is right.

        Pointers lead into the action: ``/type`` or ``/config/…``. What depends on a ``${…}`` is left to the run.
        """
        if name not in self._definitions:
            return [ConfigFault("/type", self._unknown())]
        faults = self._definitions[name].written_faults(config)
        return sorted({ConfigFault(f"/config{fault.pointer}", fault.message) for fault in faults})

    def _unknown(self) -> str:
        """Return what a type must be: by the names of all that are installed, where those can be read."""
        short = 0 < sum(map(len, self.names)) <= _MOST_NAMED
        return choice(self.names) if short else "must be one of the types that listActionTypes lists"

    def converted(self, name: str, config: Any) -> Any:
        """Return a config as it is kept: integers that were written as floats are integers; it is changed in place."""
        return self._definitions[name].converted(config) if name in self._definitions else config

    async def run(self, name: str, config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        """Run one try of an action, within its deadline.

        Args:
            name: Its type.
            config: Its config with every ``${…}`` in place; validated again.
            call: What the action is told.

        Returns:
            The result as plain JSON values, with the characters replaced that the database can't store.

        Raises:
            ActionFailed: in every case but success; ``ActionTimedOut`` when the deadline passed, ``ActionWithheld``
                where nothing was sent since the execution may be another worker's.
        """
        action, config = self._valid(name, config)
        run = action.run
        if run is None:
            raise ActionFailed(f"an action of the type {name} waits and can't be run", definite=True, retryable=False)
        if not call.holds():
            raise ActionWithheld
        try:
            async with asyncio.timeout(call.seconds_left + _GRACE) as limit:
                return plain_result(await run(config, call))
        except ActionFailed:
            raise
        except Exception as error:
            if limit.expired():
                raise ActionTimedOut(f"{name} didn't end in time", definite=False) from None
            sentence = f"{name} ended with {type(error).__name__}"
            raise ActionFailed(sentence, definite=False, retryable=True) from error

    def resume_at(self, name: str, config: Mapping[str, Any], now: datetime) -> datetime:
        """Return until when an action that waits rests, with a time zone.

        Raises:
            ActionFailed: The config, resolved, is not valid, or the action doesn't wait.
        """
        action, config = self._valid(name, config)
        resume_at = action.resume_at
        if resume_at is None:
            raise ActionFailed(f"an action of the type {name} doesn't wait", definite=True, retryable=False)
        return resume_at(config, now)

    def _valid(self, name: str, config: Mapping[str, Any]) -> tuple[Action, Mapping[str, Any]]:
        if name not in self._definitions:
            raise ActionFailed(f"no action of the type {name} is installed", definite=True, retryable=False)
        definition = self._definitions[name]
        return definition.action, definition.valid(config)
