"""Parses the text of a parameter to a value: strictly, with one written form for each value."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from automation.contract.compiled.formats import FORMATS
from automation.domain.identifiers import parse_uuid

Decoder = Callable[[str], Any]

# 64 bits, as PostgreSQL's bigint: what is larger would be rounded or refused further down.
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**63), 2**63 - 1

_integer = re.compile(r"0|-?[1-9][0-9]{0,31}").fullmatch
_number = re.compile(r"-?(?:0|[1-9][0-9]{0,307})(?:\.[0-9]{1,340})?(?:[eE][-+]?[0-9]{1,3})?").fullmatch
# RFC 3339, section 5.6, without the leap second, which no datetime can be.
_time = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,32})?"
    r"(?:[Zz]|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch
_time_with_blank = re.compile(r"[^ ]+ [0-9]{2}:[0-9]{2}").fullmatch


class Undecodable(ValueError):
    """A text is not what its parameter takes; the message is the violation's, without the text."""


def string(text: str) -> str:
    """Return the text itself, unless it has a U+0000, which PostgreSQL has no place for."""
    if "\0" in text:
        raise Undecodable("must not contain U+0000")
    return text


def uuid(text: str) -> UUID:
    """Return the UUID of a text in the canonical form, in either case."""
    value = parse_uuid(text)
    if value is None:
        raise Undecodable("must be a UUID in its canonical form")
    return value


def integer(text: str) -> int:
    """Return the integer of 64 bits that is written in ASCII digits, without zeros before them."""
    if not _integer(text) or not SMALLEST_INTEGER <= (value := int(text)) <= LARGEST_INTEGER:
        raise Undecodable("must be an integer")
    return value


def number(text: str) -> float:
    """Return the finite number that is written as JSON writes numbers."""
    if not _number(text) or not math.isfinite(value := float(text)):
        raise Undecodable("must be a number")
    return value


def boolean(text: str) -> bool:
    """Return True for ``true`` and False for ``false``."""
    if text not in {"true", "false"}:
        raise Undecodable("must be true or false")
    return text == "true"


def date_time(text: str) -> datetime:
    """Return the time that a text is by RFC 3339, with an offset, in UTC.

    Digits beyond the microsecond are cut off, since PostgreSQL keeps none: a bound never moves forward.
    """
    if _time(text):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    if _time_with_blank(text):
        raise Undecodable("has a blank where its offset begins: write %2B for the +")
    raise Undecodable(FORMATS["date-time"].words)


DECODERS: dict[str, Decoder] = {"string": string, "integer": integer, "number": number, "boolean": boolean}
FORMATTED: dict[tuple[str, str | None], Decoder] = {("string", "uuid"): uuid, ("string", "date-time"): date_time}
"""Strings that become something else."""


def decoder(type_name: str, format_name: str | None) -> Decoder:
    """Return what decodes a schema's type.

    Raises:
        KeyError: Nothing does: objects and arrays are not scalars.
    """
    return FORMATTED.get((type_name, format_name)) or DECODERS[type_name]
