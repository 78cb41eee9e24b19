"""Puts secrets back that a rule was shown without: a mask that is sent where it was read keeps the value."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.contract.document.nodes import nodes
from automation.contract.document.references import pointer
from automation.domain.errors import InvalidBody, Violation
from automation.domain.rules import RuleAction
from automation.engine.expressions.pace import Step, uncounted
from automation.engine.rules.likeness import Likeness, counterparts
from automation.engine.rules.masking import MASK, hidden_members, masked

# A mask by itself, or behind what says how it is meant, as in an Authorization.
_alone = re.compile(rf"\s*(?:[A-Za-z-]{{1,30}}\s+)?{re.escape(MASK)}\s*").fullmatch
_STANDS_FOR_NOTHING = (
    "is a mask, and there is no value that it was read in the place of, in an action with the same URL"
)


def has_masks(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether there is something to put back, or to refuse."""
    values = (value for action in actions for value in nodes(action.get("config")))
    return any(isinstance(value, str) and MASK in value for value in values)


def unmasked(
    actions: Sequence[Mapping[str, Any]], stored: Sequence[RuleAction], step: Step = uncounted
) -> list[dict[str, Any]]:
    """Return a rule's actions, as they were sent, with what is stored in the place of each mask.

    Each is put back from the action that it was read in: the one that is shown as it was sent, or else the only one of
    its type that sends to the same URL; within a list from the element that nothing but masks tells apart from the one
    that was sent. Where none or several could be meant it is refused: nobody learns what a secret is by sending it
    somewhere else, and none changes its action, or its element, by the way.

    Args:
        actions: Those of a valid body.
        stored: Those of the rule as it is, none for a new one.
        step: Counts what it costs.

    Raises:
        InvalidBody: A mask stands for nothing.
    """
    unmasking = _Unmasking(step)
    known = _sources(actions, [_Stored(each.type, each.config, masked(dict(each.config), step)) for each in stored])
    result = [
        {**action, "config": unmasking.value(action["config"], before, ("actions", index, "config"))}
        if has_masks([action])
        else dict(action)
        for index, (action, before) in enumerate(zip(actions, known, strict=True))
    ]
    if unmasking.violations:
        raise InvalidBody(violations=unmasking.violations)
    return result


class _Unmasking:
    def __init__(self, step: Step) -> None:
        self.violations: list[Violation] = []
        self._step = step
        self._likeness = Likeness(step)

    def value(self, sent: Any, stored: Any, at: tuple[str | int, ...]) -> Any:
        if isinstance(sent, Mapping):
            return self._members(sent, stored if isinstance(stored, Mapping) else {}, at)
        if isinstance(sent, list):
            return self._elements(sent, stored if isinstance(stored, list | tuple) else (), at)
        return self._text(sent, stored, at) if isinstance(sent, str) and MASK in sent else sent

    def _members(self, sent: Mapping[str, Any], stored: Mapping[str, Any], at: tuple[str | int, ...]) -> dict[str, Any]:
        self._step(1 + len(sent) + len(stored))
        hidden, known = hidden_members(sent), hidden_members(stored)
        return {
            name: self._hidden(member, stored.get(name) if known.get(name) == hidden[name] else None, (*at, name))
            if name in hidden
            else self.value(member, stored.get(name), (*at, name))
            for name, member in sent.items()
        }

    def _elements(self, sent: list[Any], stored: Sequence[Any], at: tuple[str | int, ...]) -> list[Any]:
        self._step(1 + len(sent) + len(stored))
        alike = counterparts([*map(self._likeness.of, sent)], [*map(self._likeness.of, stored)])
        return [
            self.value(element, None if place is None else stored[place], (*at, index))
            for index, (element, place) in enumerate(zip(sent, alike, strict=True))
        ]

    def _hidden(self, sent: Any, stored: Any, at: tuple[str | int, ...]) -> Any:
        """Return what is meant by a member that is shown as a mask or not at all: no part of it was read."""
        if sent == MASK:
            return self._refused(MASK, at) if stored is None else stored
        return sent if sent == stored else self.value(sent, None, at)

    def _text(self, sent: str, stored: Any, at: tuple[str | int, ...]) -> str:
        if isinstance(stored, str) and masked(stored, self._step) == sent:
            return stored
        # With another text in the place of the mask, what masking hides is the mask itself. By itself it is one under
        # any name: it was moved, and the receiver would get three stars for the secret.
        hides = _alone(sent) or masked(sent.replace(MASK, "-"), self._step) == sent
        return self._refused(sent, at) if hides else sent

    def _refused(self, sent: str, at: tuple[str | int, ...]) -> str:
        self.violations.append(Violation(_STANDS_FOR_NOTHING, pointer=pointer(*at)))
        return sent


def _sources(actions: Sequence[Mapping[str, Any]], stored: "Sequence[_Stored]") -> list[Mapping[str, Any]]:
    """Return the stored config that each action may have its secrets from, an empty one where there is none."""
    same = _as_shown(actions, stored)
    left = [each for index, each in enumerate(stored) if index not in same]
    sources: list[Mapping[str, Any]] = []
    for action, at in zip(actions, same, strict=True):
        meant = [stored[at]] if at is not None else _alike(action, left)
        sources.append(meant[0].config if len(meant) == 1 else {})
    edited = [id(source) for source, at in zip(sources, same, strict=True) if at is None and source]
    return [
        {} if at is None and edited.count(id(source)) > 1 else source for source, at in zip(sources, same, strict=True)
    ]


def _as_shown(actions: Sequence[Mapping[str, Any]], stored: "Sequence[_Stored]") -> list[int | None]:
    """Return which stored action each was sent back as, just as it is shown; None where there is none, or any doubt.

    Those that are stored alike, secrets and all, are one for the other. Of several that are shown alike some may have
    been edited, and the others stand where they stood.
    """
    shown = [(each.type, each.shown) for each in stored]
    sent = [(action["type"], action["config"]) for action in actions]
    kinds = [shown.index(each) for each in shown]
    kinds_sent = [shown.index(each) if each in shown else None for each in sent]
    places = counterparts(kinds_sent, kinds)
    return [
        _place(index, kinds_sent, kinds, stored) if place is None and kinds_sent[index] is not None else place
        for index, place in enumerate(places)
    ]


def _place(index: int, sent: Sequence[int | None], kinds: Sequence[int], stored: "Sequence[_Stored]") -> int | None:
    """Return which of several that are shown alike is one that was sent, where their order doesn't tell."""
    kind = sent[index]
    alike = [at for at, each in enumerate(kinds) if each == kind]
    if all(stored[at].config == stored[alike[0]].config for at in alike):
        return alike[0]
    stay = len(sent) == len(kinds) and all(kinds[at] == kind for at, each in enumerate(sent) if each == kind)
    return index if stay else None


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
