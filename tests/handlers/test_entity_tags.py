"""Entity tags stand for versions, and tell which version a change is meant for."""

import pytest

from automation.domain.rules import Rule, RuleStatus
from handlers.entity_tags import entity_tag, expected_versions
from tests.handlers.rules import CREATED_AT, a_rule


def test_a_tag_is_the_rules_version() -> None:
    assert entity_tag(a_rule(version=7)) == '"v7"'


def test_what_changes_a_rule_without_a_new_version_changes_its_tag() -> None:
    in_use, in_error = a_rule(), a_rule(RuleStatus.ERROR)
    deleted, deleted_in_error = a_rule(deleted_at=CREATED_AT), a_rule(RuleStatus.ERROR, deleted_at=CREATED_AT)

    tags = {entity_tag(rule) for rule in (in_use, in_error, deleted)}

    assert len(tags) == 3
    assert entity_tag(deleted_in_error) == entity_tag(deleted)


@pytest.mark.parametrize("rule", [a_rule(), a_rule(RuleStatus.ERROR), a_rule(deleted_at=CREATED_AT)])
def test_a_tag_names_the_version_that_it_was_made_of(rule: Rule) -> None:
    assert expected_versions(entity_tag(rule)) == frozenset({3})


@pytest.mark.parametrize(
    ("if_match", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"v3"', {3}),
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
