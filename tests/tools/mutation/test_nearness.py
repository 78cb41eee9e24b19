"""Order of the tests that a mutant is shown to: those of its own room first, and those that noticed its like."""

import pytest

from tools.mutation.nearness import MOST_NEAR, near

OWN = "tests/storage/test_keys.py::a"
FURTHER = "tests/storage/test_keys_of_old.py::b"
OTHER = "tests/service/test_x.py::c"


@pytest.mark.parametrize(
    ("path", "noticed", "expected"),
    [
        ("automation/storage/keys.py", [], [OWN, FURTHER]),
        ("automation/storage/rules.py", [], []),
        ("automation/storage/rules.py", ["tests/service/test_x.py"], [OTHER]),
        ("automation/storage/keys.py", ["tests/service/test_x.py"], []),
    ],
    ids=["the mirror's", "nobody", "who noticed another", "all, which are asked at once"],
)
def test_those_are_asked_first_that_mirror_the_file_or_noticed_another_mutant_of_it(
    path: str, noticed: list[str], expected: list[str]
) -> None:
    assert near(path, [OTHER, OWN, FURTHER], noticed) == expected


def test_no_more_are_asked_first_than_start_soon() -> None:
    own = [f"tests/security/test_scheme.py::{number}" for number in range(MOST_NEAR + 5)]

    assert near("security/scheme.py", [*own, OTHER], []) == own[:MOST_NEAR]
