"""Forms in which a secret's value comes back: as it is, and as it becomes on its way.

That is percent-encoded, as a form has it, in JSON, in HTML, in base64 (wherever in a text it begins) and in
hexadecimal; of a URL also what follows its host, and of several lines each that is long enough. What stands once all
encodings are taken off from around it is among them.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from html import escape
from urllib.parse import urlsplit

from automation.domain.secrets import LEAST_CHARACTERS
from automation.engine.expressions.pace import Pace
from automation.engine.runs.unwrapping import unwrapped

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT = {byte: f"%{byte:02X}" for byte in range(256) if byte not in _UNRESERVED}
_LOWER_PERCENT = {byte: f"%{byte:02x}" for byte in _PERCENT}
_FORM = {**_PERCENT, ord(" "): "+"}
_BASE64_BLOCK = 3
_LONG_LINE = 16
_STEPS_OF_A_PART = 8
"""Tuned: steps that one part takes, however short."""
_CHARACTERS_PER_STEP = 64
"""Tuned: characters of forms that are made in the time of a step."""
_TRANSLATED_PER_STEP = 32
"""Tuned: characters that are translated in that time."""
_PIECE = 4096
"""Tuned: characters that are translated between two looks at the pace."""


def forms(value: str, pace: Pace) -> Iterator[str]:
    """Yield the forms of a value, each once or several times, in no order."""
    pace.step(1 + len(value) // _CHARACTERS_PER_STEP)
    for part in {value, value.strip(), *_lines(value), *_behind_host(value)}:
        pace.step(_STEPS_OF_A_PART + len(part) // _CHARACTERS_PER_STEP)
        yield part
        yield unwrapped(part, pace)
        yield part.lower()
        if not (part.isascii() and part.isalnum()):
            yield from _encoded(part, pace)
        yield from _of_bytes(part.encode(), pace)


def _encoded(part: str, pace: Pace) -> Iterator[str]:
    """Yield what encodings make of a part's special characters."""
    latin = part.encode().decode("latin-1")
    yield from (escape(part), escape(part, quote=False))
    yield from (_translated(latin, table, pace) for table in (_PERCENT, _LOWER_PERCENT, _FORM))
    in_json = json.dumps(part)[1:-1]
    yield from (in_json, in_json.replace("/", "\\/"), json.dumps(part, ensure_ascii=False)[1:-1])


def _translated(latin: str, table: Mapping[int, str], pace: Pace) -> str:
    pieces = []
    for first in range(0, len(latin), _PIECE):
        pace.step(1 + min(len(latin) - first, _PIECE) // _TRANSLATED_PER_STEP)
        pieces.append(latin[first : first + _PIECE].translate(table))
    return "".join(pieces)


def _of_bytes(plain: bytes, pace: Pace) -> Iterator[str]:
    yield from (plain.hex(), plain.hex().upper())
    for before in range(_BASE64_BLOCK):
        standard = _in_base64(plain, before)
        yield from (standard, standard.replace("+", "-").replace("/", "_"), unwrapped(standard, pace))


def _in_base64(plain: bytes, before: int) -> str:
    """Return what base64 makes of bytes with so many others before them: the characters that are theirs alone."""
    padded = b"\0" * before + plain
    begin = -(-before * 4 // _BASE64_BLOCK)
    end = len(padded) * 4 // _BASE64_BLOCK
    return base64.b64encode(padded).decode()[begin:end]


def _lines(value: str) -> list[str]:
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= _LONG_LINE]


def _behind_host(value: str) -> list[str]:
    try:
        url = urlsplit(value)
    except ValueError:
        return []
    behind = value.partition(url.netloc)[2].lstrip("/") if url.scheme and url.netloc else ""
    return [behind] if len(behind) >= LEAST_CHARACTERS else []
