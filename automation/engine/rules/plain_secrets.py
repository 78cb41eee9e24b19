"""Finds the values that a rule's actions hold in plain where reads show a mask: what a run may not tell either."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote_plus

from automation.contract.document.nodes import nodes
from automation.domain.rules import RuleAction
from automation.domain.secrets import LEAST_CHARACTERS
from automation.engine.expressions.evaluation import InvalidExpression
from automation.engine.expressions.splitting import split
from automation.engine.rules.masking import hidden_members, hidden_texts

MOST = 20
"""How many of one rule: each costs the search a part of a worker's time, which all tenants share."""


def plain_secrets(actions: Sequence[RuleAction]) -> tuple[str, ...]:
    """Return the literal texts under names of secrets, those of ``LEAST_CHARACTERS`` or more, the first ones alone.

    An expression's part in them is not among them: what it is made of is data, which stands elsewhere, too. Of an
    Authorization there is also what follows its scheme.
    """
    found = (text for action in actions for text in _found(action.config))
    long = (part for text in found for part in _literals(text) if len(part) >= LEAST_CHARACTERS)
    return tuple(islice(dict.fromkeys(long), MOST))


def _found(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        hidden = hidden_members(value)
        for name, member in value.items():
            yield from _texts(member) if name in hidden else _found(member)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _found(element)
    elif isinstance(value, str):
        for text in hidden_texts(value):
            yield from dict.fromkeys((text, unquote_plus(text)))


def _texts(value: Any) -> Iterator[str]:
    return (str(node) for node in nodes(value) if isinstance(node, str | int | float) and not isinstance(node, bool))


def _literals(text: str) -> Iterator[str]:
    try:
        parts = [part.strip() for part, is_expression in split(text) if not is_expression]
    except InvalidExpression:  # of a parameter that ends where its expression has a blank
        return
    for part in parts:
        scheme, _, rest = part.partition(" ")
        yield from (part, rest.strip()) if scheme.isalpha() else (part,)
