"""Entity tags tell revisions apart, and representations of the same revision."""

import pytest

from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.preconditions import is_current, strong_tags

TAGS = EntityTags([b"contract", b"/prefix"])


def test_a_tag_is_strong_and_names_its_revision() -> None:
    tag = TAGS.tag("7.1.0")

    assert strong_tags(tag) == frozenset({tag})
    assert is_current(tag, tag)
    assert TAGS.known(tag) == "7.1.0"
    assert TAGS.known(f"W/{tag}") == "7.1.0"


def test_revisions_and_representations_have_different_tags() -> None:
    others = [
        EntityTags([b"contract", b""]),
        EntityTags([b"contract/prefix"]),
        EntityTags([b"contract", b"/", b"prefix"]),
    ]

    tags = [TAGS.tag("7.1.0"), TAGS.tag("7.1.1"), *(other.tag("7.1.0") for other in others)]

    assert len(set(tags)) == len(tags)


def test_variants_of_a_representation_have_tags_of_their_own() -> None:
    tags = [each.tag("7.1.0") for each in (TAGS, TAGS.variant("a"), TAGS.variant("b"), TAGS.variant("a").variant("b"))]

    assert len(set(tags)) == len(tags)
    assert TAGS.variant("a").tag("7.1.0") == tags[1]


@pytest.mark.parametrize(
    "if_none_match",
    [
        None,
        "*",
        "",
        '"v1"',
        "7.1.0",
        TAGS.tag("7.1.0")[1:],
        TAGS.tag("7.1.0")[:-1],
        f'{TAGS.tag("7.1.0")}, "b"',
        EntityTags([b"another contract"]).tag("7.1.0"),
    ],
)
def test_what_is_not_one_tag_of_this_representation_names_no_revision(if_none_match: str | None) -> None:
    assert TAGS.known(if_none_match) is None
