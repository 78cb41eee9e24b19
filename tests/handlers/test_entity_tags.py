"""A list of entity tags names those that are in it, and what is no list names none."""

import pytest

from automation.contract.serving.preconditions import is_current, require_held, strong_tags
from automation.domain.errors import PreconditionFailed


@pytest.mark.parametrize(
    ("if_match", "tags"),
    [
        ("*", None),
        (" * ", None),
        ('"v3"', {'"v3"'}),
        ('"v3", "v12"', {'"v3"', '"v12"'}),
        (', "v3" ,, "v12" ,', {'"v3"', '"v12"'}),
        ('W/"v3"', set()),
        ('W/"v3", "v4"', {'"v4"'}),
        ('"a,b"', {'"a,b"'}),
        ("v3", set()),
        ('"v3" "v4"', set()),
        ('"v3', set()),
        ("", set()),
    ],
)
def test_a_change_is_meant_for_what_strong_tags_of_a_list_name(if_match: str, tags: set[str] | None) -> None:
    assert strong_tags(if_match) == tags


@pytest.mark.parametrize("known", ['"v3" "v4"', 'v3, "v4', '"v4', ""])
def test_what_is_no_list_names_no_version(known: str) -> None:
    assert not is_current('"v4"', known)


def test_a_tag_is_compared_as_a_whole() -> None:
    with pytest.raises(PreconditionFailed):
        require_held('"v3-1042.0123456789ab"', '"v3-1041.0123456789ab"', None)
    with pytest.raises(PreconditionFailed):
        require_held('"v3-1042.0123456789ab"', None, 'W/"v3-1042.0123456789ab"')
    require_held('"v3-1042.0123456789ab"', '"v3-1042.0123456789ab"', '"v3-1041.0123456789ab"')
