"""Reads what a client sends of a rule that it has read: what it may change, and what it may only send back."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson

from automation.contract.compiled.scalars import Undecodable, date_time
from automation.domain.errors import InvalidBody, Violation

READ_ONLY = frozenset(
    {
        "rule_id",
        "tenant",
        "version",
        "created_by",
        "created_at",
        "updated_at",
        "status_reason",
        "deleted_at",
        "next_fire_at",
        "_links",
    }
)
"""The members of the contract's ``AutomationRule`` that no ``AutomationRuleInput`` has."""

MOVING = frozenset({"next_fire_at"})
"""Those of them that the clock changes: who sends back what was read has made no mistake."""


def writable(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that say what a rule is to be: those of the contract's ``AutomationRuleInput``."""
    return {name: value for name, value in body.items() if name not in READ_ONLY}


def require_read_only_kept(body: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """Return if the members that can't be changed are as they are shown.

    Args:
        body: What was sent.
        shown: The rule as the contract shows it to whoever reads it now.

    Raises:
        InvalidBody: with a violation for each that is another one.
    """
    message = "can only be read, and is another one by now: leave it out, or send it as it is"
    violations = [
        Violation(message, pointer=f"/{name}")
        for name in sorted((READ_ONLY - MOVING) & body.keys())
        if name not in shown or not _is_same(body[name], shown[name])
    ]
    if violations:
        raise InvalidBody("Members of a rule that only the service changes were changed.", violations=violations)


def _is_same(sent: Any, shown: Any) -> bool:
    if isinstance(shown, datetime):
        with suppress(Undecodable):
            return date_time(sent) == shown
        return False
    return bool(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS) == orjson.dumps(shown, option=orjson.OPT_SORT_KEYS))
