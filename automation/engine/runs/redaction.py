"""Takes the values of secrets out of what is stored of a run, wherever a receiver or an action has given them back.

Searched for is a value as it is, and as it becomes on its way: percent-encoded, as a form has it, in JSON, in HTML, in
base64 (wherever in a text it begins) and in hexadecimal; of a URL also what follows its host, and of several lines
each that is long enough. A text that has a value in another encoding, in several of these around each other, or across
line breaks is replaced as a whole. What a receiver makes of a value otherwise (a hash, its characters turned round)
isn't found.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import orjson

from automation.domain.opaque import Opaque
from automation.domain.secrets import LEAST_CHARACTERS
from automation.engine.rules.masking import MASK
from automation.engine.runs.unwrapping import unwrapped

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT = {byte: f"%{byte:02X}" for byte in range(256) if byte not in _UNRESERVED}
_LOWER_PERCENT = {byte: f"%{byte:02x}" for byte in _PERCENT}
_FORM = {**_PERCENT, ord(" "): "+"}
_BASE64_BLOCK = 3
_LONG_LINE = 16
_BEGINNINGS_TRIED = 64


class Redaction:
    """What one run may not tell, and its replacing; it knows nothing until it learns."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._forms: tuple[str, ...] = ()
        self._kernels: frozenset[str] = frozenset()

    def learn(self, values: Iterable[str]) -> None:
        """Replace these values, too, from now on."""
        new = set(values) - self._values
        if new:
            self._values |= new
            forms = {form for value in new for form in _forms(value) if len(form) >= LEAST_CHARACTERS}
            self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))
            kernels = {unwrapped(form) for value in new for form in _kernels(value)}
            self._kernels |= {kernel for kernel in kernels if len(kernel) >= LEAST_CHARACTERS}

    def text(self, text: str) -> str:
        """Return a text without the values, nor the beginning of one at its end: there the text may have been cut."""
        return self._without(text, self._found(text))

    def value(self, value: Any) -> Any:
        """Return a JSON value without the values, its members' names included; the same object where there are none."""
        if not self._forms:
            return value
        whole = _pairs(value.text) if isinstance(value, Opaque) else value  # also of members that are given twice
        text = "\n".join(_texts(whole))
        found = self._found(text)
        wrapped = self._wrapped(text)
        if not found and not wrapped:
            return value
        redacted = self._replaced(value, found, wrapped=wrapped)
        return Opaque(redacted, orjson.dumps(redacted).decode()) if isinstance(value, Opaque) else redacted

    def _found(self, text: str) -> list[str]:
        """Return what may be in a text: that whose beginning is."""
        return [form for form in self._forms if form[:LEAST_CHARACTERS] in text]

    def _wrapped(self, text: str) -> bool:
        """Say whether a text has a value in encodings around it."""
        if not self._kernels:
            return False
        plain = unwrapped(text)
        return plain != text and any(kernel in plain for kernel in self._kernels)

    def _without(self, text: str, found: Iterable[str], *, wrapped: bool = True) -> str:
        text = _without(text, found)
        return MASK if wrapped and self._wrapped(text) else text

    def _replaced(self, value: Any, found: list[str], *, wrapped: bool) -> Any:
        if isinstance(value, Mapping):
            return {
                self._without(name, found, wrapped=wrapped): self._replaced(member, found, wrapped=wrapped)
                for name, member in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._replaced(element, found, wrapped=wrapped) for element in value]
        if isinstance(value, str):
            return self._without(value, found, wrapped=wrapped)
        if _is_number(value) and _without(_number(value), found) != _number(value):
            return MASK
        return value


def _parts(value: str) -> set[str]:
    return {value, value.strip(), *_lines(value), *_behind_host(value)}


def _kernels(value: str) -> Iterator[str]:
    """Yield what is found where all encodings are taken off, and what base64 and hexadecimal have made within them."""
    for part in _parts(value):
        plain = part.encode()
        yield from (part, plain.hex(), plain.hex().upper())
        for before in range(_BASE64_BLOCK):
            yield from _in_base64(plain, before)


def _forms(value: str) -> Iterator[str]:
    for part in _parts(value):
        plain = part.encode()
        latin = plain.decode("latin-1")
        yield from (part, part.lower(), escape(part), escape(part, quote=False), plain.hex(), plain.hex().upper())
        yield from (latin.translate(_PERCENT), latin.translate(_LOWER_PERCENT), latin.translate(_FORM))
        in_json = json.dumps(part)[1:-1]
        yield from (in_json, in_json.replace("/", "\\/"), json.dumps(part, ensure_ascii=False)[1:-1])
        for before in range(_BASE64_BLOCK):
            yield from _in_base64(plain, before)


def _lines(value: str) -> list[str]:
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= _LONG_LINE] if len(lines) > 1 else []


def _behind_host(value: str) -> list[str]:
    try:
        url = urlsplit(value)
    except ValueError:
        return []
    behind = value.partition(url.netloc)[2].lstrip("/") if url.scheme and url.netloc else ""
    return [behind] if len(behind) >= LEAST_CHARACTERS else []


def _in_base64(plain: bytes, before: int) -> Iterator[str]:
    """Yield what base64 makes of bytes with so many others before them: the characters that are theirs alone."""
    padded = b"\0" * before + plain
    begin = -(-before * 4 // _BASE64_BLOCK)
    end = len(padded) * 4 // _BASE64_BLOCK
    standard = base64.b64encode(padded).decode()[begin:end]
    yield from (standard, standard.replace("+", "-").replace("/", "_"))


def _without(text: str, found: Iterable[str]) -> str:
    for form in found:
        text = text.replace(form, MASK)
    for form in found:
        begin = _cut_off(text, form)
        text = text if begin is None else text[:begin] + MASK
    return text


def _cut_off(text: str, form: str) -> int | None:
    """Return where a beginning of a form begins with which the text ends."""
    places = _places(text, form[:LEAST_CHARACTERS], max(0, len(text) - len(form)))
    return next((at for at in islice(places, _BEGINNINGS_TRIED) if form.startswith(text[at:])), None)


def _places(text: str, part: str, at: int) -> Iterator[int]:
    while (at := text.find(part, at)) >= 0:
        yield at
        at += 1


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield name
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _texts(element)
    elif isinstance(value, str):
        yield value
    elif _is_number(value):
        yield _number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> str:
    return orjson.dumps(value).decode()


def _pairs(text: str) -> Any:
    """Return a JSON text as lists of its members' names and values, and its numbers as they were written."""
    return json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str)
