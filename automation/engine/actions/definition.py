"""One action made ready for use: its definition checked, its schema compiled."""

import re
from collections.abc import Mapping
from typing import Any

from automation.engine.actions.action import Action, ActionFailed, ConfigFault
from automation.engine.actions.config_schema import ConfigSchema, UnusableSchema, hidden
from automation.engine.actions.written_schema import written_schema

_named = re.compile(r"[a-z][a-z0-9_]{0,63}").fullmatch


class UnusableAction(Exception):
    """An action that rules can't use; the message says why, on one line."""


class Definition:
    """An action and its compiled schema.

    Raises:
        UnusableAction: It is not what ``Action`` asks for.
    """

    def __init__(self, action: Action) -> None:
        if not _named(action.name):
            raise UnusableAction("its name must be lower-case letters, digits and underscores, at most 64")
        if (action.run is None) == (action.resume_at is None):
            raise UnusableAction("it must have either run or resume_at")
        self.action = action
        try:
            self._schema = ConfigSchema(action.config_schema)
        except UnusableSchema as error:
            raise UnusableAction(str(error)) from None
        self.written_schema = written_schema(action.config_schema)
        if action.example is not None and (faults := self.written_faults(action.example)):
            raise UnusableAction(f"its example: {faults[0].pointer or 'config'}: {faults[0].message}")

    def written_faults(self, config: object) -> list[ConfigFault]:
        """Return what is wrong with a config as it is written, as far as it doesn't depend on a ``${…}``."""
        return (
            self._schema.faults(config, written=True, counted=False)
            or [fault for fault in self._own_faults(config) if not hidden(config, fault.pointer)]
            or self._schema.faults(config, written=True)
        )

    def converted(self, config: Any) -> Any:
        """Return a config with the integers that its schema declares as such; it is changed in place."""
        return self._schema.converted(config)

    def valid(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a config, with every ``${…}`` in place, as the action takes it; refuse one that is not valid.

        Raises:
            ActionFailed: with everything that is wrong with it.
        """
        faults = (
            self._schema.faults(config, written=False, counted=False)
            or self._own_faults(config)
            or self._schema.faults(config, written=False)
        )
        if faults:
            found = "; ".join(f"{fault.pointer or 'config'}: {fault.message}" for fault in faults)
            raise ActionFailed(f"the resolved config is not valid: {found}", definite=True, retryable=False)
        valid: Mapping[str, Any] = self.converted(config)
        return valid

    def _own_faults(self, config: object) -> list[ConfigFault]:
        if self.action.check is None or not isinstance(config, Mapping):
            return []
        return list(self.action.check(config))
