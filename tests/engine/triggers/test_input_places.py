"""Places of what a rule refuses: where that was sent, in a body, a header, a query or a batch of events."""

from dataclasses import replace
from uuid import uuid4

import pytest

from automation.domain.errors import InvalidInput, Violation
from automation.engine.triggers.input_places import of_delivery, of_event, refused_as_sent
from tests.storage.published import an_event


def places(violation: Violation) -> tuple[str | None, str | None]:
    return violation.pointer, violation.parameter


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/trigger_data/body", ("", None)),
        ("/trigger_data/body/lines/0", ("/lines/0", None)),
        ("/trigger_data/query/page", (None, "page")),
        ("/trigger_data/query/page/0", (None, "page")),
        ("/trigger_data/headers/x~1y~0z", (None, "x/y~z")),
        ("/trigger_data/query", ("", None)),
        ("/trigger_data/headers", ("", None)),
        ("/trigger_data/received_at", ("", None)),
        ("/trigger_data", ("", None)),
        (None, ("", None)),
    ],
)
def test_of_a_delivery_it_is_the_body_or_a_parameter(pointer: str | None, place: tuple[str | None, str | None]) -> None:
    found = of_delivery(Violation("is wrong", pointer=pointer))

    assert places(found) == place
    assert found.message == "is wrong"


@pytest.mark.parametrize(
    ("at", "pointer", "place"),
    [
        (None, "/trigger_data/data", ("", None)),
        (None, "/trigger_data/data/order/0", ("/order/0", None)),
        (None, "/trigger_data/data_base64", ("", None)),
        (None, "/trigger_data", ("", None)),
        (None, "/trigger_data/subject", (None, "ce-subject")),
        ("", "/trigger_data/data/order", ("/data/order", None)),
        ("/3", "/trigger_data/data/order", ("/3/data/order", None)),
        ("/3", "/trigger_data/subject", ("/3/subject", None)),
        ("/3", "/trigger_data", ("/3", None)),
    ],
)
def test_of_an_event_it_is_its_place_or_a_header(
    at: str | None, pointer: str, place: tuple[str | None, str | None]
) -> None:
    assert places(of_event(replace(an_event(), place=at))(Violation("is wrong", pointer=pointer))) == place


def test_what_a_rule_refuses_is_told_with_the_rule_and_of_what_was_sent() -> None:
    rule, wrong = uuid4(), Violation("is wrong", pointer="/trigger_data/body/a")

    with pytest.raises(InvalidInput, match=str(rule)) as refusal, refused_as_sent(rule, of_delivery):
        raise InvalidInput(violations=[wrong])

    assert [places(each) for each in refusal.value.violations] == [("/a", None)]
