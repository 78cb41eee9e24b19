"""Encodes values for PostgreSQL: JSON and text without NUL, which it cannot store, and arrays of UUIDs."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from automation.domain.opaque import Opaque

_BACKSLASH, _ASIDE = rb"\\", b"\xff"
"""An escaped backslash, after which ``u0000`` would be letters, and what stands for it meanwhile: no byte of UTF-8."""

_LEFT_OUT = " […] "


def encoded(value: object) -> str:
    """Return a value as JSON; a NUL becomes U+FFFD, a time its RFC 3339 form. What is opaque stays as it came."""
    if isinstance(value, Opaque):
        return value.text
    document = orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS)
    return without_nul(document).decode()


def canonical(value: object) -> str:
    """Return a value as JSON, the same for the same members in any order."""
    return orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()


def decoded(document: str) -> Any:
    """Return what a JSON text says; a NUL becomes U+FFFD."""
    return orjson.loads(without_nul(document.encode()) if "\\u0000" in document else document)


def without_nul(document: bytes) -> bytes:
    """Return JSON in which each NUL is U+FFFD; others decide how many there are, so none of them costs a call."""
    if b"\\u0000" not in document:
        return document
    return document.replace(_BACKSLASH, _ASIDE).replace(rb"\u0000", rb"\ufffd").replace(_ASIDE, _BACKSLASH)


def storable(text: str) -> str:
    """Return a text without NUL; a lone surrogate, which is no character, becomes a question mark."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def shortened(text: str | None, most: int) -> str | None:
    """Return a text as it can be stored; of a longer one than ``most`` characters the middle is left out."""
    if text is None:
        return None
    if len(text) > most:
        half = (most - len(_LEFT_OUT)) // 2
        text = text[:half] + _LEFT_OUT + text[-half:]
    return storable(text)


def uuid_array(identifiers: Sequence[UUID | None]) -> str:
    """Return PostgreSQL's text of a ``uuid[]``; that is cheaper than to have the driver dump one UUID after another."""
    return f"{{{','.join(['NULL' if each is None else str(each) for each in identifiers])}}}"


def plain(value: object) -> object:
    """Return what orjson doesn't know as something that it does: a mapping of any kind as a dictionary."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
