"""Carries what is known of a file's lines over to the file as it is now, so that it needn't be measured again."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

Tests = frozenset[str]


def carried(known: Mapping[int, Tests], before: Sequence[str], now: Sequence[str]) -> dict[int, Tests]:
    """Return the tests of each line as it is now: for a line that is new, all that run what was there, or the file.

    Args:
        known: The tests of the lines as they were, from 1.
        before: Those lines.
        now: The lines as they are.
    """
    found: dict[int, Tests] = {}
    for kind, start, end, begin, stop in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if kind == "equal":
            found |= {begin + at + 1: known[start + at + 1] for at in range(end - start) if start + at + 1 in known}
        else:
            there = Tests().union(*(known.get(line, Tests()) for line in range(start + 1, end + 1)))
            tests = there or Tests().union(*known.values())
            found |= dict.fromkeys(range(begin + 1, stop + 1), tests)
    return found
