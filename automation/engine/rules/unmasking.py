"""Puts secrets back that a rule was shown without: a mask that is sent where it was read keeps the value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automation.contract.document.references import pointer
from automation.domain.errors import InvalidBody, Violation
from automation.domain.rules import RuleAction
from automation.engine.rules.masking import MASK, is_secret, masked

_origin = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#]*@)?(?P<authority>[^/?#@]*)").match
_STANDS_FOR_NOTHING = "is a mask, and there is no value that it was read in the place of"


def has_masks(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether there is something to put back, or to refuse."""
    return any(MASK in text for action in actions for text in _texts(action.get("config")))


def unmasked(actions: Sequence[Mapping[str, Any]], stored: Sequence[RuleAction]) -> list[dict[str, Any]]:
    """Return a rule's actions, as they were sent, with what is stored in the place of each mask.

    It is put back where the action of the same place has the same type and calls the same host: nobody learns what a
    secret is by sending it somewhere else.

    Args:
        actions: Those of a valid body.
        stored: Those of the rule as it is, none for a new one.

    Raises:
        InvalidBody: A mask stands for nothing.
    """
    unmasking = _Unmasking()
    known = [_config(action, stored[index] if index < len(stored) else None) for index, action in enumerate(actions)]
    result = [
        {**action, "config": unmasking.value(action["config"], before, ("actions", index, "config"))}
        for index, (action, before) in enumerate(zip(actions, known, strict=True))
    ]
    if unmasking.violations:
        raise InvalidBody(violations=unmasking.violations)
    return result


class _Unmasking:
    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def value(self, sent: Any, stored: Any, at: tuple[str | int, ...]) -> Any:
        if isinstance(sent, Mapping):
            known = stored if isinstance(stored, Mapping) else {}
            return {name: self._member(name, member, known.get(name), (*at, name)) for name, member in sent.items()}
        if isinstance(sent, list):
            old = stored if isinstance(stored, list | tuple) else ()
            return [
                self.value(item, old[index] if index < len(old) else None, (*at, index))
                for index, item in enumerate(sent)
            ]
        return self._text(sent, stored, at) if isinstance(sent, str) and MASK in sent else sent

    def _member(self, name: str, sent: Any, stored: Any, at: tuple[str | int, ...]) -> Any:
        if sent != MASK or not is_secret(name):
            return self.value(sent, stored, at)
        return self._refused(sent, at) if stored is None else stored

    def _text(self, sent: str, stored: Any, at: tuple[str | int, ...]) -> str:
        if isinstance(stored, str) and masked(stored) == sent:
            return stored
        # With another text in the place of the mask, what masking hides is the mask itself.
        hides = masked(sent.replace(MASK, "-")) == sent
        return self._refused(sent, at) if hides else sent

    def _refused(self, sent: str, at: tuple[str | int, ...]) -> str:
        self.violations.append(Violation(_STANDS_FOR_NOTHING, pointer=pointer(*at)))
        return sent


def _config(action: Mapping[str, Any], stored: RuleAction | None) -> Mapping[str, Any]:
    """Return the stored config that an action may have its secrets from."""
    if stored is None or stored.type != action.get("type"):
        return {}
    return stored.config if _host(action["config"]) == _host(stored.config) else {}


def _host(config: Mapping[str, Any]) -> object:
    url = str(config.get("url", ""))
    found = _origin(url)
    return url if found is None else (found["scheme"].lower(), found["authority"].lower())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
