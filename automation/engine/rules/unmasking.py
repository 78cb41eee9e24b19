"""Puts secrets back that a rule was shown without: a mask that is sent where it was read keeps the value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.contract.document.references import pointer
from automation.domain.errors import InvalidBody, Violation
from automation.domain.rules import RuleAction
from automation.engine.rules.masking import MASK, is_secret, masked

# A mask by itself, or behind what says how it is meant, as in an Authorization.
_alone = re.compile(rf"\s*(?:[A-Za-z-]{{1,30}}\s+)?{re.escape(MASK)}\s*").fullmatch
_STANDS_FOR_NOTHING = (
    "is a mask, and there is no value that it was read in the place of, in an action with the same URL"
)


def has_masks(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether there is something to put back, or to refuse."""
    return any(MASK in text for action in actions for text in _texts(action.get("config")))


def unmasked(actions: Sequence[Mapping[str, Any]], stored: Sequence[RuleAction]) -> list[dict[str, Any]]:
    """Return a rule's actions, as they were sent, with what is stored in the place of each mask.

    Each is put back from the action that it was read in: the one that is shown as it was sent, or else the only one of
    its type that sends to the same URL. Where none or several could be meant it is refused: nobody learns what a
    secret is by sending it somewhere else, and none changes its action by the way.

    Args:
        actions: Those of a valid body.
        stored: Those of the rule as it is, none for a new one.

    Raises:
        InvalidBody: A mask stands for nothing.
    """
    unmasking = _Unmasking()
    known = _sources(actions, [_Stored(each.type, each.config, masked(dict(each.config))) for each in stored])
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
        # With another text in the place of the mask, what masking hides is the mask itself. By itself it is one under
        # any name: it was moved, and the receiver would get three stars for the secret.
        hides = _alone(sent) or masked(sent.replace(MASK, "-")) == sent
        return self._refused(sent, at) if hides else sent

    def _refused(self, sent: str, at: tuple[str | int, ...]) -> str:
        self.violations.append(Violation(_STANDS_FOR_NOTHING, pointer=pointer(*at)))
        return sent


def _sources(actions: Sequence[Mapping[str, Any]], stored: "Sequence[_Stored]") -> list[Mapping[str, Any]]:
    """Return the stored config that each action may have its secrets from, an empty one where there is none."""
    same = [_as_shown(index, action, stored) for index, action in enumerate(actions)]
    left = [each for index, each in enumerate(stored) if index not in same]
    sources: list[Mapping[str, Any]] = []
    for action, at in zip(actions, same, strict=True):
        meant = [stored[at]] if at is not None else _alike(action, left)
        sources.append(meant[0].config if len(meant) == 1 else {})
    edited = [id(source) for source, at in zip(sources, same, strict=True) if at is None and source]
    return [
        {} if at is None and edited.count(id(source)) > 1 else source for source, at in zip(sources, same, strict=True)
    ]


def _as_shown(index: int, action: Mapping[str, Any], stored: "Sequence[_Stored]") -> int | None:
    """Return which stored action was sent back as it is shown; of several the one in its place, if they differ."""
    found = [at for at, each in enumerate(stored) if (each.type, each.shown) == (action["type"], action["config"])]
    if index in found:
        return index
    configs = [stored[at].config for at in found]
    return found[0] if found and all(config == configs[0] for config in configs) else None


def _alike(action: Mapping[str, Any], left: "Sequence[_Stored]") -> "list[_Stored]":
    """Return the stored actions of a type that send to the same URL."""
    return [each for each in left if each.type == action["type"] and each.sends_to(action["config"].get("url"))]


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored action, and its config as it is shown."""

    type: str
    config: Mapping[str, Any]
    shown: Mapping[str, Any]

    def sends_to(self, url: object) -> bool:
        """Say whether this is its URL, as it is or as it is shown; what has none says nothing of where it sends."""
        return isinstance(url, str) and url in (self.config.get("url"), self.shown.get("url"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
