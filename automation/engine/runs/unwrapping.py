"""Unwrapping of texts: takes off what programs put around a value on its way, layer after layer."""

import re
from html import unescape
from urllib.parse import unquote

_LAYERS = 3
"""How many encodings around each other are taken off: a body in a query in a log is two."""

_escape = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL).sub
_BREAKS = {"n": "\n", "r": "\r"}


def unwrapped(text: str) -> str:
    """Return a text without percent-encoding, backslashes, HTML's references, line breaks and a form's ``+``.

    It is for comparing alone: what was no encoding is taken off as well.
    """
    for _ in range(_LAYERS):
        inner = unescape(_unescaped(unquote(text)))
        if inner == text:
            break
        text = inner
    return text.replace("\r", "").replace("\n", "").replace("+", " ")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _escape(_character, text)
    # Two halves of a character that JSON wrote one after the other.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _BREAKS.get(found[3], found[3])
