"""References to secrets in configs: ``${secrets.NAME}``, put in as it is.

No expression reads a secret: so none can be cut, turned round or encoded in ways that nobody could find again in what a
run stores, and no condition can tell its characters.
"""

import re
from dataclasses import dataclass

from automation.domain.secrets import NAME
from automation.engine.expressions.grammar import SECRETS

_reference = re.compile(rf"\s*{SECRETS}\s*\.\s*(?P<name>{NAME})\s*").fullmatch


@dataclass(frozen=True, slots=True)
class SecretReference:
    """What stands in the place of a secret's value."""

    name: str


def referenced(expression: str) -> SecretReference | None:
    """Return the secret that stands between ``${`` and ``}``; None where an expression does."""
    found = _reference(expression)
    return None if found is None else SecretReference(found["name"])
