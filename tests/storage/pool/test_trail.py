"""Trail of a request: a line is of what was changed since, not of what was refused or taken back before."""

from typing import Any
from uuid import UUID

import pytest

from automation.domain.audit import AuditResource, Deed
from automation.storage.pool.trail import Trail

RULE, OTHER = {"rule": UUID(int=1)}, {"rule": UUID(int=2)}


@pytest.fixture
def trail() -> Trail:
    return Trail(
        Deed(
            tenant=UUID(int=3),
            user=UUID(int=4),
            key_prefix="ak_12345678",
            action="deleteAutomationRule",
            resource_type=AuditResource.RULE,
            resource_id=str(UUID(int=9)),
            client_address=None,
            request_id="request",
        )
    )


def ids(trail: Trail) -> list[str]:
    """Return what the lines are about that a transaction ends with."""
    _, parameters = trail.lines()
    named: Any = parameters
    return [str(each) for each in named["audit_ids"]]


def of(*changed: dict[str, UUID]) -> list[str]:
    return [str(each["rule"]) for each in changed]


def test_each_that_is_changed_has_a_line(trail: Trail) -> None:
    for parameters in (RULE, OTHER, RULE, {"limit": 5}, None):
        trail.notice(parameters)

    assert ids(trail) == of(RULE, OTHER)


def test_the_next_transaction_has_lines_of_its_own(trail: Trail) -> None:
    trail.notice(RULE)
    trail.lines()
    trail.notice(OTHER)

    assert ids(trail) == of(OTHER)


def test_what_is_taken_back_has_no_line_in_the_next_transaction(trail: Trail) -> None:
    trail.notice(RULE)
    trail.forget()
    trail.notice(OTHER)

    assert ids(trail) == of(OTHER)


def test_what_is_refused_has_none(trail: Trail) -> None:
    trail.notice(RULE)
    trail.notice(OTHER)
    trail.retract(RULE)
    trail.retract(RULE)

    assert ids(trail) == of(OTHER)


def test_what_changes_nothing_that_is_named_is_of_what_the_request_names(trail: Trail) -> None:
    assert ids(trail) == [str(UUID(int=9))]
