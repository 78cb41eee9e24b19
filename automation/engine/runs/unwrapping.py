"""Unwrapping of texts: takes off what programs put around a value on its way, layer after layer."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import unquote

from automation.engine.expressions.pace import Pace

_LAYERS = 3
"""How many encodings around each other are taken off: a body in a query in a log is two."""

# A run of bytes is taken in parts that end with a character.
_percent = re.compile(r"(?:%[0-9a-fA-F]{2}){1,256}(?:%[89abAB][0-9a-fA-F]){0,3}").sub
_escape = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL).sub
_reference = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)").sub
_zeros = re.compile(r"(?<=&#)0+(?=[0-9])|(?<=&#[xX])0+(?=[0-9a-fA-F])").sub
_begins = re.compile(r"[%\\&]").search
_BREAKS = {"n": "\n", "r": "\r"}
_LONGEST_REFERENCE = 40
"""Tuned: characters of HTML's longest name with what stands around it; a number of so many digits is no character's."""
_NO_CHARACTER = "\ufffd"
_CHARACTERS_PER_STEP = 4096
"""Tuned: characters without encodings that are looked through in the time of a step."""


def unwrapped(text: str, pace: Pace) -> str:
    """Return a text without percent-encoding, backslashes, HTML's references, line breaks and a form's ``+``.

    It is for comparing alone: what was no encoding is taken off as well.

    Args:
        text: What is unwrapped.
        pace: Counts a step for each character that was encoded.
    """
    for _ in range(_LAYERS):
        inner = _without_a_layer(text, pace) if _begins(text) else text
        if inner == text:
            break
        text = inner
    return text.replace("\r", "").replace("\n", "").replace("+", " ")


def _without_a_layer(text: str, pace: Pace) -> str:
    pace.step(1 + len(text) // _CHARACTERS_PER_STEP)
    inner = _percent(_counted(_from_percent, pace), text)
    inner = _unescaped(inner, pace)
    return _reference(_counted(_from_reference, pace), inner)


def _counted(plain: Callable[[re.Match[str]], str], pace: Pace) -> Callable[[re.Match[str]], str]:
    def counted(found: re.Match[str]) -> str:
        pace.step(1 + (found.end() - found.start()) // 4)
        return plain(found)

    return counted


def _from_percent(found: re.Match[str]) -> str:
    return unquote(found[0])


def _from_reference(found: re.Match[str]) -> str:
    reference = found[0]
    if len(reference) > _LONGEST_REFERENCE:
        reference = _zeros("", reference)
    return unescape(reference) if len(reference) <= _LONGEST_REFERENCE else _NO_CHARACTER


def _unescaped(text: str, pace: Pace) -> str:
    if "\\" not in text:
        return text
    plain = _escape(_counted(_from_escape, pace), text)
    # Two halves of a character that JSON wrote one after the other.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _from_escape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _BREAKS.get(found[3], found[3])
