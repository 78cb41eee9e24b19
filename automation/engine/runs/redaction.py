"""Takes the values of secrets out of what is stored of a run, wherever a receiver or an action has given them back.

Searched for is a value in each of its forms. A text that has one in another encoding, in several of these around each
other, or across line breaks is replaced as a whole. What a receiver makes of a value otherwise (a hash, its characters
turned round) isn't found.

How long a search takes is decided by tenants and receivers, so its steps are counted, and it has a bound: what can't be
searched within it isn't told at all.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from automation.domain.opaque import Opaque
from automation.domain.secrets import LEAST_CHARACTERS
from automation.engine.expressions.pace import Allotment, BoundedPace, Pace
from automation.engine.rules.masking import MASK
from automation.engine.runs.needles import Needles
from automation.engine.runs.secret_forms import forms
from automation.engine.runs.unwrapping import unwrapped

WITHHELD = f"{MASK} (withheld: it takes too long to search this for secrets)"
"""What is told instead of a text that can't be searched within its bound."""

STEPS_AT_ONCE = 2048
"""Tuned: steps of a search whose caller can't wait, 4 ms at most: a text of the log with what belongs to it."""

_VALUES_PER_STEP = 8
"""Tuned: values of a document that are walked through in the time of a step."""
_CHARACTERS_PER_STEP = 4096
"""Tuned: characters that are copied in that time."""
_PARSED_PER_STEP = 256
"""Tuned: characters of JSON that are read in that time."""


MOST_STEPS = 1_000_000
"""Tuned: steps of a search whose caller waits: 2 s of a processor at most. The largest answer of a webhook takes a
tenth of that, and a quarter where all of it is encoded."""


class TooLong(Exception):
    """The search takes more steps than it may."""


def within(steps: int, pace: Pace | None = None) -> BoundedPace:
    """Return the pace of a search that may take so many steps, and raises ``TooLong`` before it takes more.

    Args:
        steps: How many.
        pace: Counts them, too; without one the search rests nowhere.
    """
    return BoundedPace(pace or Pace(_go_on), Allotment(steps, TooLong))


class Redaction:
    """What one run may not tell, and its replacing; it knows nothing until it learns.

    Each method counts its steps by the pace it is given; without one it is bounded by ``STEPS_AT_ONCE``.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._needles = Needles()
        self._closed = False

    def learn(self, values: Iterable[str], pace: Pace | None = None) -> None:
        """Replace these values, too, from now on; where the pace breaks it off, they are to be learned anew.

        Raises:
            TooLong: They have more lines than can be learned within the bound.
        """
        pace = pace or within(STEPS_AT_ONCE)
        for value in set(values) - self._values:
            for form in forms(value, pace):
                self._needles.add(form)
            self._values.add(value)

    def close(self, pace: Pace) -> None:
        """Forget all, and tell nothing any more where anything was known."""
        self._closed = self._closed or bool(self._needles)
        self._needles.clear(pace)

    def text(self, text: str, pace: Pace | None = None) -> str:
        """Return a text without the values, nor the beginning of one at its end: there the text may have been cut.

        One that can't be searched within the bound, or any more, is ``WITHHELD``.
        """
        if self._closed:
            return WITHHELD
        if not self._needles:
            return text
        try:
            return self._without(text, pace or within(STEPS_AT_ONCE), wrapped=True)
        except TooLong:
            return WITHHELD

    def value(self, value: Any, pace: Pace | None = None) -> Any:
        """Return a JSON value without the values, its members' names included; the same object where there are none.

        Raises:
            TooLong: It can't be searched within the bound, or any more.
        """
        if self._closed:
            raise TooLong
        if not self._needles:
            return value
        pace = pace or within(STEPS_AT_ONCE)
        whole = _pairs(value.text, pace) if isinstance(value, Opaque) else value  # also members that are given twice
        texts: list[str] = []
        _gather(whole, texts, pace)
        text = "\n".join(texts)
        wrapped = self._wrapped(text, pace)
        if not wrapped and not self._needles.may_be_in(text, pace):
            return value
        redacted = self._replaced(value, pace, wrapped=wrapped)
        return Opaque(redacted, orjson.dumps(redacted).decode()) if isinstance(value, Opaque) else redacted

    def _wrapped(self, text: str, pace: Pace) -> bool:
        """Say whether a text has a value in encodings around it."""
        pace.step(1 + len(text) // _CHARACTERS_PER_STEP)
        plain = unwrapped(text, pace)
        return plain != text and self._needles.are_in(plain, pace)

    def _without(self, text: str, pace: Pace, *, wrapped: bool) -> str:
        if len(text) < LEAST_CHARACTERS:
            return text
        parts, done = [], 0
        for begin, end in self._needles.spans(text, pace):
            parts += [text[done:begin], MASK]
            done = end
        left = "".join((*parts, text[done:])) if parts else text
        return MASK if wrapped and self._wrapped(left, pace) else left

    def _replaced(self, value: Any, pace: Pace, *, wrapped: bool) -> Any:
        if isinstance(value, Mapping):
            pace.step(1 + len(value) // _VALUES_PER_STEP)
            return {
                self._without(name, pace, wrapped=wrapped): self._replaced(member, pace, wrapped=wrapped)
                for name, member in value.items()
            }
        if isinstance(value, list | tuple):
            pace.step(1 + len(value) // _VALUES_PER_STEP)
            return [self._replaced(element, pace, wrapped=wrapped) for element in value]
        if isinstance(value, str):
            return self._without(value, pace, wrapped=wrapped)
        if _is_number(value) and self._without(_number(value), pace, wrapped=False) != _number(value):
            return MASK
        return value


def _gather(value: Any, texts: list[str], pace: Pace) -> None:
    """Add all texts of a value, its members' names and its numbers included."""
    if isinstance(value, Mapping):
        pace.step(1 + len(value) // _VALUES_PER_STEP)
        texts.extend(value)
        for member in value.values():
            _gather(member, texts, pace)
    elif isinstance(value, list | tuple):
        pace.step(1 + len(value) // _VALUES_PER_STEP)
        for element in value:
            _gather(element, texts, pace)
    elif isinstance(value, str):
        texts.append(value)
    elif _is_number(value):
        texts.append(_number(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> str:
    return orjson.dumps(value).decode()


def _pairs(text: str, pace: Pace) -> Any:
    """Return a JSON text as lists of its members' names and values, and its numbers as they were written."""

    def members(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        pace.step(1 + len(pairs) // _VALUES_PER_STEP)
        return pairs

    def as_written(number: str) -> str:
        return number  # a function of Python: at each, other threads have their turn

    pace.step(1 + len(text) // _PARSED_PER_STEP)
    return json.loads(text, object_pairs_hook=members, parse_int=as_written, parse_float=as_written)


def _go_on() -> None:
    """Rest not."""
