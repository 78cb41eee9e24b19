"""Likeness of lists' elements: which one that was sent is which one that is stored, told by all that no mask hides."""

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from automation.engine.expressions.pace import Step, uncounted
from automation.engine.rules.masking import hidden_members, masked

_LONG = 1 << 64


class Likeness:
    """What JSON values are alike in, each looked at once; they have to stay what they are meanwhile.

    Args:
        step: Counts what that costs.
    """

    def __init__(self, step: Step = uncounted) -> None:
        self._step = step
        self._kinds: dict[Hashable, int] = {}
        self._known: dict[int, int] = {}

    def of(self, value: Any) -> int:
        """Return the same number for values that differ in nothing but what a mask stands for."""
        if value is None or isinstance(value, str | int | float):
            return self._kind(self._scalar(value))
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = self._kind(self._container(value))
        return known

    def _kind(self, shown: Hashable) -> int:
        return self._kinds.setdefault(shown, len(self._kinds))

    def _container(self, value: Mapping[str, Any] | Sequence[Any]) -> Hashable:
        self._step(1 + len(value) // 2)
        if not isinstance(value, Mapping):
            return ("list", *map(self.of, value))
        hidden = hidden_members(value)
        return frozenset((name, self.of(member)) for name, member in value.items() if name not in hidden)

    def _scalar(self, value: Any) -> Hashable:
        """Return what a value is known by: 1 and 1.0 are one, and true is another."""
        if isinstance(value, str):
            return "text", masked(value, self._step)
        if isinstance(value, int) and abs(value) >= _LONG:  # of which thousands can have the same hash
            return "long", hex(value)
        return ("true or false", value) if isinstance(value, bool) else value


def counterparts(sent: Sequence[Hashable], stored: Sequence[Hashable]) -> list[int | None]:
    """Return for each that was sent where its counterpart is stored; None where that isn't beyond doubt.

    It is where both are the only ones of their kind. Several of a kind are told apart by their order, as long as none
    came or went, and all that is left has the order that it had.
    """
    before, now = Counter(stored), Counter(sent)
    left = {kind for kind, number in before.items() if now[kind] == number}
    is_in_order = [kind for kind in sent if kind in left] == [kind for kind in stored if kind in left]
    places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for index, kind in enumerate(stored):
        if kind in left and (is_in_order or before[kind] == 1):
            places[kind].append(index)
    return [places[kind].popleft() if kind in places else None for kind in sent]
