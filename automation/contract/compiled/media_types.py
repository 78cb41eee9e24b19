"""Media types of bodies: what a request says that its body is."""

import re
from collections.abc import Mapping

_quoted = re.compile(rb'"[^"]*"')


def is_compressed(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether a body has a content coding."""
    codings = {coding.strip() for coding in headers.get(b"content-encoding", b"").lower().split(b",")}
    return bool(codings - {b"", b"identity"})


def media_type_in_utf8(headers: Mapping[bytes, bytes]) -> str | None:
    """Return a body's media type in lower case, empty where there is none; None where it is said to be no UTF-8."""
    media_type, *settings = headers.get(b"content-type", b"").decode("latin-1").lower().split(";")
    charsets = {setting.strip().replace('"', "") for setting in settings} - {""}
    return None if charsets - {"charset=utf-8"} else media_type.strip()


def refusal(headers: Mapping[bytes, bytes], expected: str) -> str:
    """Return what is told of a body that is said to be something else than what is expected, or several things.

    Args:
        headers: The request's; what came in several lines is one list.
        expected: A sentence about what it must be.
    """
    for name in ("Content-Type", "Content-Encoding"):
        if b"," in _quoted.sub(b"", headers.get(name.lower().encode(), b"")):
            return f"The request has more than one {name}. {expected}"
    return expected
