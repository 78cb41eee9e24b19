"""Needles: many texts that are searched for in one pass, so that their number costs the search next to nothing.

A place where one may stand is known by the needle's first characters, which a table has; only there is compared.
"""

from collections.abc import Iterator

from automation.domain.secrets import LEAST_CHARACTERS
from automation.engine.expressions.pace import Pace

_LENGTH = LEAST_CHARACTERS
"""Characters of a needle's beginning, and of the shortest needle."""

_PIECE = 2048
"""Tuned: characters of a text that are looked through between two looks at the pace."""

_FEW = 64
"""Tuned: beginnings that are faster searched for one by one than looked up at every place of a text."""

_PLACES_PER_STEP = 16
"""Tuned: places of a text that are looked at in the time of a step."""
_BEGINNINGS_PER_STEP = 8
"""Tuned: beginnings that are remembered in that time."""
_COMPARED_PER_STEP = 1024
"""Tuned: characters that are compared in that time."""
_FREED_PER_STEP = 16
"""Tuned: needles that are given back in that time."""


class Needles:
    """What is searched for; nothing at first."""

    __slots__ = ("_by_beginning",)

    def __init__(self) -> None:
        # One needle by itself, or several by their lengths: very many may begin alike.
        self._by_beginning: dict[str, str | dict[int, set[str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_beginning)

    def add(self, needle: str) -> None:
        """Search for this one, too; one that is shorter than a beginning isn't searched for."""
        if len(needle) < _LENGTH:
            return
        beginning = needle[:_LENGTH]
        known = self._by_beginning.setdefault(beginning, needle)
        if known == needle:
            return
        if isinstance(known, str):
            known = self._by_beginning[beginning] = {len(known): {known}}
        known.setdefault(len(needle), set()).add(needle)

    def clear(self, pace: Pace) -> None:
        """Forget all: to free hundreds of thousands at once would take the interpreter for as long as a search."""
        while self._by_beginning:
            pace.step()
            for _ in range(min(_FREED_PER_STEP, len(self._by_beginning))):
                self._by_beginning.popitem()

    def may_be_in(self, text: str, pace: Pace) -> bool:
        """Say whether a text has a needle's beginning."""
        return any(True for _ in self._places(text, pace))

    def are_in(self, text: str, pace: Pace) -> bool:
        """Say whether a text has a whole needle."""
        return any(self._end(text, at, pace) for at in self._places(text, pace))

    def spans(self, text: str, pace: Pace) -> list[tuple[int, int]]:
        """Return where needles stand in a text, those that overlap as one, and a beginning of one at its end."""
        spans: list[tuple[int, int]] = []
        for at in self._places(text, pace):
            end = self._end(text, at, pace) or self._cut_off(text, at, pace)
            if not end:
                continue
            if spans and at < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], end))
            else:
                spans.append((at, end))
        return spans

    def _places(self, text: str, pace: Pace) -> Iterator[int]:
        """Yield where beginnings stand, in their order."""
        last = len(text) - _LENGTH + 1
        few = len(self._by_beginning) <= _FEW
        for first in range(0, last, _PIECE):
            behind = min(first + _PIECE, last)
            if few:
                pace.step(1 + len(self._by_beginning) // _BEGINNINGS_PER_STEP)
                yield from self._found(text, first, behind, pace)
            else:
                pace.step(1 + (behind - first) // _PLACES_PER_STEP)
                beginnings = self._by_beginning
                yield from [at for at in range(first, behind) if text[at : at + _LENGTH] in beginnings]

    def _found(self, text: str, first: int, behind: int, pace: Pace) -> list[int]:
        places = []
        for beginning in tuple(self._by_beginning):  # another thread may add to it
            at = first - 1
            while (at := text.find(beginning, at + 1, behind + _LENGTH - 1)) >= 0:
                pace.step()
                places.append(at)
        return sorted(places)

    def _end(self, text: str, at: int, pace: Pace) -> int:
        """Return where the longest needle ends that begins at a place; 0 where none does."""
        known = self._by_beginning[text[at : at + _LENGTH]]
        if isinstance(known, str):
            pace.step(1 + len(known) // _COMPARED_PER_STEP)
            return at + len(known) if text.startswith(known, at) else 0
        for length in sorted(known, reverse=True):
            pace.step(1 + length // _COMPARED_PER_STEP)
            if text[at : at + length] in known[length]:
                return at + length
        return 0

    def _cut_off(self, text: str, at: int, pace: Pace) -> int:
        """Return the text's end where all from a place on is the beginning of a needle; 0 where it isn't."""
        known = self._by_beginning[text[at : at + _LENGTH]]
        by_length = {len(known): {known}} if isinstance(known, str) else known
        left = len(text) - at
        for length, needles in tuple(by_length.items()):
            if length > left:
                pace.step(len(needles) * (1 + left // _COMPARED_PER_STEP))
                rest = text[at:]
                if any(needle.startswith(rest) for needle in needles):
                    return len(text)
        return 0
