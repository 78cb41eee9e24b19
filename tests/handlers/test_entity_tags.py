"""An entity tag of a rule tells which version a change is meant for."""

import pytest

from automation.contract.serving.entity_tags import EntityTags
from handlers.entity_tags import expected_versions


@pytest.mark.parametrize(
    ("if_match", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"v3"', {3}),
        (EntityTags([b"this service"]).tag("v3-1042"), {3}),
        ('"v3-1042.0123456789ab"', {3}),
        ('"v3-"', set()),
        ('"v3", "v12"', {3, 12}),
        ('W/"v3"', set()),
        ('W/"v3", "v4"', {4}),
        ("v3", set()),
        ('"3"', set()),
        ('"v0"', set()),
        ('"v99999999999999999999"', set()),
        ('"5d41402abc4b2a76b9719d911017c592"', set()),
        ("", set()),
    ],
)
def test_a_change_is_meant_for_the_versions_that_strong_tags_name(
    if_match: str | None, versions: set[int] | None
) -> None:
    assert expected_versions(if_match) == versions
