"""The types of triggers: checked once at start, then asked about a rule's settings."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from automation.contract.compiled.schemas import Schemas
from automation.contract.compiled.violations import of_body
from automation.contract.document.naming import BY_TRIGGER_TYPE
from automation.domain.errors import Violation
from automation.domain.rules import TriggerType
from automation.engine.triggers import event, recurring, webhook

OwnCheck = Callable[[Mapping[str, Any]], Iterator[Violation]]
"""Yields what is wrong with settings that have the form which the contract wants, with pointers into them."""


class Triggers:
    """What can start rules, by type.

    Args:
        document: The contract, whose component ``TriggerType`` names the schema of each type.
        least_interval: How far apart the runs of a recurring rule are at the least.
    """

    def __init__(self, document: Mapping[str, Any], least_interval: timedelta = recurring.LEAST_INTERVAL) -> None:
        self.least_interval = least_interval
        schemas = Schemas(document)
        by_type = document["components"]["schemas"]["TriggerType"][BY_TRIGGER_TYPE]
        self._validators = {each: schemas.validator(by_type[each]) for each in TriggerType}
        self._schemas = {each: schemas.document(by_type[each]) for each in TriggerType}
        # What no schema can say of a type's settings, where there is something.
        self._own: Mapping[TriggerType, OwnCheck] = {
            TriggerType.EVENT: event.violations,
            TriggerType.RECURRING: partial(recurring.violations, least=least_interval),
            TriggerType.WEBHOOK: webhook.violations,
        }

    def check(self, trigger_type: TriggerType, config: Mapping[str, Any]) -> list[Violation]:
        """Return what is wrong with a trigger's settings, with pointers into them; nothing where they are right."""
        if found := list(of_body(self._validators[trigger_type].iter_errors(config), self._schemas[trigger_type])):
            return found
        return list(self._own[trigger_type](config)) if trigger_type in self._own else []
