"""Steps that a search for secrets counts: as many as it takes for its length, whatever it finds."""

from collections.abc import Callable
from typing import Any

import pytest

from automation.domain.opaque import Opaque
from automation.engine.expressions.pace import Pace
from automation.engine.runs.needles import Needles
from automation.engine.runs.redaction import Redaction
from automation.engine.runs.secret_forms import forms
from automation.engine.runs.unwrapping import unwrapped
from tests.engine.runs.counting import Counting

SECRET = "a-secret-of-22-letters"


def looking(*needles: str) -> Needles:
    found = Needles()
    for needle in needles:
        found.add(needle)
    return found


def several(number: int) -> Needles:
    return looking(*(f"{place:08}" for place in range(number)))


def learned(value: Any) -> Callable[[Pace], object]:
    redaction = Redaction()
    redaction.learn([SECRET])
    return lambda pace: redaction.value(value, pace)


def formed(value: str) -> Callable[[Pace], object]:
    return lambda pace: list(forms(value, pace))


# What is done, and what it counts, one step after the other.
COUNTED: dict[str, tuple[Callable[[Pace], object], list[int]]] = {
    "each piece of a text, for each of a few beginnings": (
        lambda pace: several(24).may_be_in("x" * 5000, pace),
        [4, 4, 4],
    ),
    "as many beginnings as are searched for one by one": (lambda pace: several(64).may_be_in("x" * 100, pace), [9]),
    "nothing of a text that is shorter than a beginning": (lambda pace: several(24).may_be_in("x" * 7, pace), []),
    "a text that is as long as a beginning": (lambda pace: several(24).may_be_in("x" * 8, pace), [4]),
    "each piece by its length where there are many beginnings": (
        lambda pace: several(65).may_be_in("x" * 5007, pace),
        [129, 129, 57],
    ),
    "each place that is found": (
        lambda pace: several(1).may_be_in(f"x{0:08}x{0:08}", pace),
        [1, 1, 1],
    ),
    "a needle by its length": (lambda pace: looking("b" + "a" * 2099).are_in("b" + "a" * 2100, pace), [1, 1, 3]),
    "needles that begin alike, the longest first": (
        lambda pace: looking("b" + "a" * 2100, "b" + "a" * 1023, "b" + "a" * 40).are_in("b" + "a" * 1500, pace),
        [1, 1, 3, 2],
    ),
    "needles of which the text's end may be the beginning": (
        lambda pace: looking("b" + "a" * 2100, "b" + "a" * 2099 + "c", "b" + "a" * 40).spans("xb" + "a" * 30, pace),
        [1, 1, 3, 1, 2],
    ),
    "and one that is no longer than the end is no beginning of": (
        lambda pace: looking("b" + "a" * 8 + "c").spans("xb" + "a" * 8 + "d", pace),
        [1, 1, 1],
    ),
    "several by the length of the end": (
        lambda pace: looking("b" + "a" * 2100, "b" + "a" * 2099 + "c").spans("xb" + "a" * 1030, pace),
        [1, 1, 3, 4],
    ),
    "a place between two pieces once": (
        lambda pace: several(1).may_be_in(f"{'x' * 2048}{0:08}{'x' * 9}", pace),
        [1, 1, 1],
    ),
    "as many as are forgotten at a time": (lambda pace: several(33).clear(pace), [1, 1, 1]),
    "a text without encodings": (lambda pace: unwrapped("a" * 9000, pace), []),
    "layers of encodings, each by the text's length and what was encoded": (
        lambda pace: unwrapped("%2541" + "a" * 9000, pace),
        [3, 1, 3, 1],
    ),
    "a reference by its length": (lambda pace: unwrapped("&#" + "0" * 37 + "65;", pace), [1, 11]),
    "a value that is learned, and its part": (formed("a" * 640), [11, 18]),
    "and what its special characters become": (formed("ä" * 320), [6, 13, 21, 21, 21]),
    "a value that is looked through, by its members and its elements, and its texts": (
        learned({"members": ["text"] * 80} | {f"member {place}": [] for place in range(15)} | {"long": "x" * 9000}),
        [3, 11, *[1] * 15, 3, *[1] * 10],
    ),
    "and a second time where it is changed": (
        learned([{f"member {place}": SECRET for place in range(8)}, *["text"] * 15]),
        [3, 2, *[1] * 11, 3, 2, *[1] * 48],
    ),
    "one that is JSON as it was written": (learned(Opaque({}, '{"members": [' + "1" * 600 + "]}")), [3, *[1] * 7]),
    "one with numbers in it": (learned([12345678.5, 7, True, None]), [1, 1, 1, 1]),
    "a large one in pieces": (formed("ä" * 4000), [63, 70, *[129, 123] * 3]),
}


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_done_is_counted(name: str) -> None:
    done, expected = COUNTED[name]
    pace = Counting()

    done(pace)

    assert pace.counted == expected
