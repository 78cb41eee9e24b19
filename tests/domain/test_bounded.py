"""A dictionary that forgets: the oldest goes first, and what is set anew is not old any more."""

from automation.domain.bounded import Bounded


def test_as_many_are_kept_as_there_may_be_and_the_oldest_goes_first() -> None:
    kept: Bounded[str, int] = Bounded(2)
    lengths = []
    for number, name in enumerate("abc"):
        kept.put(name, number)
        lengths.append(len(kept))

    assert lengths == [1, 2, 2]
    assert list(kept.items()) == [("b", 1), ("c", 2)]


def test_one_that_is_set_anew_is_the_newest() -> None:
    kept: Bounded[str, int] = Bounded(2)
    for number, name in enumerate("abac"):
        kept.put(name, number)

    assert list(kept.items()) == [("a", 2), ("c", 3)]
