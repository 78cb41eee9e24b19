"""Uses of secrets by a rule: which it names, and where."""

from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.document.references import pointer
from automation.domain.rules import RuleContent
from automation.engine.expressions.grammar import SECRETS
from automation.engine.expressions.secret_references import referenced
from automation.engine.expressions.splitting import split


def secret_uses(content: RuleContent) -> Mapping[str, tuple[str, ...]]:
    """Return the secrets that a rule names which was checked, each with the pointers of the strings that do."""
    uses: dict[str, dict[str, None]] = {}
    for name, place in _named(content.trigger_config, ("trigger_config",)):
        uses.setdefault(name, {})[place] = None
    for index, action in enumerate(content.actions):
        for name, place in _named(action.config, ("actions", index, "config")):
            uses.setdefault(name, {})[place] = None
    return {name: tuple(places) for name, places in uses.items()}


def _named(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _named(member, (*path, name))
    elif isinstance(value, list | tuple):
        for index, element in enumerate(value):
            yield from _named(element, (*path, index))
    elif isinstance(value, str) and SECRETS in value:
        for piece, is_expression in split(value):
            secret = referenced(piece) if is_expression else None
            if secret is not None:
                yield secret.name, pointer(*path)
