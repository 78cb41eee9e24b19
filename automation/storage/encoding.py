"""How values become the JSON and the text that PostgreSQL stores: everything but NUL, which it cannot."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

# An escaped NUL, and not an escaped backslash before u0000.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def encoded(value: object) -> str:
    """Return a value as JSON; a NUL becomes U+FFFD, a time its RFC 3339 form."""
    document = orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    if b"\\u0000" in document:
        document = _NUL.sub(rb"\1\\ufffd", document)
    return document.decode()


def decoded(document: str) -> Any:
    """Return what a JSON text says."""
    return orjson.loads(document)


def storable(text: str | None) -> str | None:
    """Return a text without NUL; a lone surrogate, which is no character, becomes a question mark."""
    if text is None:
        return None
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
