"""Events: what others publish as CloudEvents 1.0, in whichever of HTTP's three modes, and which of it a rule waits for.

The form is the contract's; what an attribute may be called and be is said by the package ``cloudevents``. It would make
up an id and a time where they are missing: the contract has refused an event without an id by then, and the event that
runs see is what was sent, not what the package makes of it.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import unquote

import orjson
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent

from automation.contract.compiled.media_types import media_type_in_utf8
from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.compiled.schemas import Schemas
from automation.contract.compiled.strict_json import parsed_items, parsed_opaque
from automation.contract.compiled.violations import LIMIT, LONGEST_POINTER, WORDS, bound, bounded, of_body, of_whole
from automation.contract.document.references import pointer
from automation.domain.errors import ContentTooLarge, InvalidBody, InvalidParameter, Violation
from automation.domain.events import MOST_IN_A_BATCH, Event
from automation.domain.opaque import Opaque
from automation.engine.expressions.conditions import compiled
from automation.engine.expressions.evaluation import Budget, ExpressionTooCostly, InvalidParts
from automation.engine.expressions.expressions import Expression

LARGEST = 64 * 1024
"""Bytes of the largest event: each execution that it starts keeps it."""
BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
PREFIX = "ce-"
"""What the names of headers begin with that are attributes, in binary mode."""

_NO_ATTRIBUTES = (
    f"A body of this type is an event's data, whose attributes are headers that begin with {PREFIX}, and there are "
    f"none. Send a whole event as {STRUCTURED}, and several as {BATCH}."
)

KNOWN = frozenset({"trigger"})
"""The variables that have a value when an event is published."""

_DATA = frozenset({"data", "data_base64"})
# The contract has said that a time is one; the package wants a datetime, which some are not: leap seconds, and those
# that are before the year 1 or after the year 9999 in UTC.
_NOT_LOOKED_AT = _DATA | {"time"}
_JSON = "application/json"
_TEXT = "text/plain"
_is_name = re.compile(r"[a-z0-9]+").fullmatch
_is_escaped = re.compile(r"(?:[\t\x20-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*").fullmatch


def violations(config: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is wrong with the settings of an event trigger that no schema can say."""
    try:
        conditions = compiled(config.get("conditions", ()), Budget())
    except InvalidParts as error:
        yield from (Violation(each.message, pointer=f"/conditions{each.pointer}") for each in error.violations)
        return
    except ExpressionTooCostly as error:
        yield Violation(str(error), pointer="/conditions")
        return
    for at, condition in enumerate(conditions.conditions):
        for name in sorted(Expression.compile(condition.field).variables - KNOWN):
            message = f"{name} has no value when an event is published: conditions of a trigger know trigger alone"
            yield Violation(message, pointer=pointer("conditions", at, "field"))


class EventReader:
    """Reads what is published.

    Args:
        document: The contract, whose component ``CloudEvent`` says what form an event has.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas, schema = Schemas(document), document["components"]["schemas"]["CloudEvent"]
        self._validator, self._schema = schemas.validator(schema), schemas.document(schema)

    def read(self, body: RawBody | None) -> list[Event]:
        """Return the events of a body, in their order: one, but in a batch.

        Raises:
            InvalidBody: It isn't strict JSON, or some event isn't one.
            InvalidParameter: A header says what only the body does, or says it otherwise.
            ContentTooLarge: An event is larger than ``LARGEST``.
        """
        if body is None:
            detail = "There is no event: neither a body, nor headers that begin with ce-."
            raise of_whole(detail, WORDS["required"])
        if body.media_type != BATCH:
            if body.media_type == STRUCTURED:
                return [self._event(*parsed_opaque(body.content))]
            if not body.headers:
                raise of_whole(_NO_ATTRIBUTES, "has no attributes of CloudEvents beside it")
            return [replace(self._event(*_binary(body)), place=None)]
        items = list(islice(parsed_items(body.content), MOST_IN_A_BATCH + 1))
        if len(items) > MOST_IN_A_BATCH:
            raise InvalidBody(f"A batch has at most {MOST_IN_A_BATCH} events.", violations=[_TOO_MANY])
        return [self._event(value, text, at) for at, (value, text) in enumerate(items)]

    def _event(self, value: Any, text: str, *place: int) -> Event:
        if len(text.encode()) > LARGEST:
            raise ContentTooLarge(f"An event may have at most {LARGEST} bytes.")
        found = of_body(self._validator.iter_errors(value), self._schema) or tuple(_of_attributes(value, text))[:LIMIT]
        if found:
            placed = [
                Violation(each.message, pointer=bounded(pointer(*place) + (each.pointer or ""))) for each in found
            ]
            raise InvalidBody("The body is no event of CloudEvents 1.0.", violations=placed)
        trigger = Opaque(value, text)
        return Event(id=value["id"], source=value["source"], type=value["type"], trigger=trigger, place=pointer(*place))


_TOO_MANY = Violation(bound("maxItems", MOST_IN_A_BATCH), pointer="")


def _of_attributes(value: Mapping[str, Any], text: str) -> Iterator[Violation]:
    """Yield what is wrong with an event that has the form which the contract wants, and with the text it is kept as."""
    attributes = {name: each for name, each in value.items() if each is not None and name not in _NOT_LOOKED_AT}
    names = [name for name in attributes if _is_name(name) is None]
    yield from (Violation("an attribute's name is of a to z and 0 to 9", pointer=pointer(name)) for name in names)
    for name, each in attributes.items():
        if not isinstance(each, str | int):
            yield Violation("an attribute is a string, an integer or a boolean", pointer=pointer(name))
    if "\\u0000" in text:  # which reads as U+FFFD: two ids would be one
        for name, each in orjson.loads(text).items():
            if name in value and name not in _DATA and "\0" in str(each):
                yield Violation("must not contain U+0000", pointer=pointer(name))
    if value.keys() >= _DATA:
        yield Violation("is there beside data", pointer="/data_base64")
    try:
        CloudEvent({name: each for name, each in attributes.items() if name not in names})
    except CloudEventValidationError as error:
        yield from (Violation("is not as CloudEvents 1.0 has it", pointer=pointer(name)) for name in error.errors)


def _from_headers(body: RawBody) -> dict[str, Any]:
    """Return the attributes that headers say, none of which stands for what the body says."""
    attributes: dict[str, Any] = {}
    wrong: list[Violation] = []
    for header, text in body.headers.items():
        name, value = header.removeprefix(PREFIX), _unescaped(text)
        if name in _DATA:
            wrong.append(Violation("is no attribute: the data is the body", parameter=header))
        elif value is None:
            place = header if len(header) <= LONGEST_POINTER else None
            wrong.append(Violation("must be UTF-8 that is percent-encoded", parameter=place))
        elif name == "datacontenttype" and body.content and _media_type(value) != body.media_type:
            wrong.append(Violation("is another media type than Content-Type says", parameter=header))
        else:
            attributes[name] = value
    if wrong:
        raise InvalidParameter(violations=wrong[:LIMIT])
    return attributes


def _unescaped(text: str) -> str | None:
    """Return what a header's text stands for, None where that can't be told."""
    if not _is_escaped(text):
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _media_type(text: str) -> str | None:
    return media_type_in_utf8({b"content-type": text.encode()})


def _binary(body: RawBody) -> tuple[dict[str, Any], str]:
    """Return the event whose attributes are headers and whose data is the body, and it as JSON."""
    event = _from_headers(body)
    if not body.content:
        return event, orjson.dumps(event).decode()
    event["datacontenttype"] = body.media_type
    if body.media_type == _JSON:
        data, text = parsed_opaque(body.content)
        return {**event, "data": data}, f'{orjson.dumps(event).decode()[:-1]},"data":{text}}}'
    if body.media_type == _TEXT:
        try:
            event["data"] = body.content.decode().replace("\0", "\ufffd")
        except UnicodeDecodeError:
            raise of_whole("The body is not UTF-8.", "must be UTF-8") from None
    else:
        event["data_base64"] = base64.b64encode(body.content).decode()
    return event, orjson.dumps(event).decode()
