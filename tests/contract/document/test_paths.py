"""A request's path is found to be that of one template."""

import pytest

from automation.contract.document.paths import ambiguous, ordered


@pytest.mark.parametrize(
    ("first", "second", "unclear"),
    [
        ("/a/{x}", "/a/{y}", True),
        ("/a/{x}", "/{y}/b", True),
        ("/a/{x}", "/a/b", False),
        ("/a/{x}/c", "/a/b/{y}", True),
        ("/a/{x}", "/b/{x}", False),
        ("/a/{x}", "/a/{x}/b", False),
        ("/a/{x}.json", "/a/{x}", True),
    ],
)
def test_two_paths_are_ambiguous_where_neither_is_more_concrete(first: str, second: str, unclear: bool) -> None:
    assert (ambiguous(first, second), ambiguous(second, first)) == (unclear, unclear)


def test_concrete_paths_are_matched_first() -> None:
    assert ordered(["/{x}/b", "/a/{x}", "/a/b", "/a/{x}/c"]) == ["/a/b", "/a/{x}", "/a/{x}/c", "/{x}/b"]
