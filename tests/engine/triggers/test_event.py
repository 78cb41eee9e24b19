"""Events are read in each of HTTP's modes, and what is wrong with one is told where it stands."""

import json
from typing import Any

import pytest

from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.document.document import default_path, load
from automation.domain.errors import ContentTooLarge, InvalidBody, InvalidParameter
from automation.domain.events import MOST_IN_A_BATCH
from automation.engine.triggers.event import BATCH, LARGEST, STRUCTURED, EventReader, violations

READER = EventReader(load(default_path()))
EVENT = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "order.created"}
HEADERS = {f"ce-{name}": value for name, value in EVENT.items()}
LONG = "ce-" + "a" * 198


def structured(event: Any, media_type: str = STRUCTURED) -> RawBody:
    return RawBody(json.dumps(event).encode(), media_type)


def wrong(body: RawBody | None) -> list[tuple[str | None, str | None, str]]:
    """Return what is wrong: the header or the place of each, and why."""
    with pytest.raises((InvalidBody, InvalidParameter)) as refused:
        READER.read(body)
    return [(each.parameter, each.pointer, each.message) for each in refused.value.violations]


# A body and what the runs of its one event see.
READ: dict[str, tuple[RawBody, Any]] = {
    "a whole event": (structured({**EVENT, "data": {"n": 1.50}}), {**EVENT, "data": {"n": 1.5}}),
    "attributes alone": (RawBody(b"", "", HEADERS), EVENT),
    "attributes that are escaped": (
        RawBody(b"", "", {**HEADERS, "ce-subject": "%E2%82%AC%20a\t~"}),
        {**EVENT, "subject": "\u20ac a\t~"},
    ),
    "data in JSON": (
        RawBody(b'{"a":[1]}', "application/json", HEADERS),
        {**EVENT, "datacontenttype": "application/json", "data": {"a": [1]}},
    ),
    "a media type that is said twice": (
        RawBody(b"1", "application/json", {**HEADERS, "ce-datacontenttype": "application/json; charset=utf-8"}),
        {**EVENT, "datacontenttype": "application/json", "data": 1},
    ),
    "a media type of no data": (
        RawBody(b"", "", {**HEADERS, "ce-datacontenttype": "image/png"}),
        {**EVENT, "datacontenttype": "image/png"},
    ),
    "data in text": (
        RawBody("ä\0b".encode(), "text/plain", HEADERS),
        {**EVENT, "datacontenttype": "text/plain", "data": "ä\ufffdb"},
    ),
    "other data": (
        RawBody(b"\xff\0", "application/octet-stream", HEADERS),
        {**EVENT, "datacontenttype": "application/octet-stream", "data_base64": "/wA="},
    ),
}

WRONG: dict[str, tuple[RawBody | None, list[tuple[str | None, str | None, str]]]] = {
    "data in a header": (
        RawBody(b"", "", {**HEADERS, "ce-data": "1", "ce-data_base64": "MQ=="}),
        [(f"ce-{name}", None, "is no attribute: the data is the body") for name in ("data", "data_base64")],
    ),
    "another media type": (
        RawBody(b"1", "application/json", {**HEADERS, "ce-datacontenttype": "text/plain"}),
        [("ce-datacontenttype", None, "is another media type than Content-Type says")],
    ),
    "what is no UTF-8, by a name that can be told": (
        RawBody(b"", "", {**HEADERS, "ce-a": "%FF", LONG[:200]: "ä", LONG: "%"}),
        [(name, None, "must be UTF-8 that is percent-encoded") for name in ("ce-a", LONG[:200], None)],
    ),
    "a name": (
        structured({**EVENT, "my_name": "a"}),
        [(None, "/my_name", "an attribute's name is of a to z and 0 to 9")],
    ),
    "a list": (structured({**EVENT, "a": [1]}), [(None, "/a", "an attribute is a string, an integer or a boolean")]),
    "U+0000": (structured({**EVENT, "subject": "a\0"}), [(None, "/subject", "must not contain U+0000")]),
    "data twice": (
        structured({**EVENT, "data": 1, "data_base64": "MQ=="}),
        [(None, "/data_base64", "is there beside data")],
    ),
    "the second of a batch": (
        structured([EVENT, {**EVENT, "a": [1]}], BATCH),
        [(None, "/1/a", "an attribute is a string, an integer or a boolean")],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_an_event_is_what_was_sent(name: str) -> None:
    body, seen = READ[name]

    [event] = READER.read(body)

    assert (event.id, event.source, event.type) == ("7", "/shop", "order.created")
    assert json.loads(event.trigger.text) == seen
    assert event.place == ("" if body.media_type == STRUCTURED else None)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_where_it_stands(name: str) -> None:
    body, told = WRONG[name]

    assert wrong(body) == told


@pytest.mark.parametrize("body", [None, RawBody(b"{}", "application/json"), structured([EVENT])])
def test_what_is_no_event_at_all_is_refused_as_a_whole(body: RawBody | None) -> None:
    assert [(parameter, pointer) for parameter, pointer, _ in wrong(body)] == [(None, "")]


def test_text_that_is_no_utf_8_is_refused() -> None:
    assert wrong(RawBody(b"\xff", "text/plain", HEADERS)) == [(None, "", "must be UTF-8")]


def test_a_batch_has_a_hundred_events_in_their_order_and_no_more() -> None:
    batch = [{**EVENT, "id": str(number)} for number in range(MOST_IN_A_BATCH)]

    events = READER.read(structured(batch, BATCH))

    assert [(event.id, event.place) for event in events] == [
        (str(number), f"/{number}") for number in range(len(batch))
    ]
    assert [pointer for _, pointer, _ in wrong(structured([*batch, EVENT], BATCH))] == [""]


def test_an_event_may_be_so_large_and_no_larger() -> None:
    most = LARGEST - len(json.dumps({**EVENT, "data": ""}))

    assert READER.read(structured({**EVENT, "data": "x" * most}))
    with pytest.raises(ContentTooLarge):
        READER.read(structured({**EVENT, "data": "x" * (most + 1)}))


def test_conditions_know_the_event_alone_and_each_that_is_wrong_is_told() -> None:
    def condition(field: str) -> dict[str, Any]:
        return {"field": field, "operator": "equals", "value": 1}

    def found(*fields: str) -> list[tuple[str | None, bool]]:
        told = violations({"conditions": [condition(field) for field in fields]})
        return [(each.pointer, "has no value when an event is published" in each.message) for each in told]

    assert found("trigger.id") == []
    assert [*violations({})] == []
    assert found("trigger.id", "rule.name", "execution.id") == [
        ("/conditions/1/field", True),
        ("/conditions/2/field", True),
    ]
    assert [told for _, told in found("trigger.id ==")] == [False]
