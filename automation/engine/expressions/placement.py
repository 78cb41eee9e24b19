"""Writes what expressions yield into texts that have a syntax of their own: URLs and HTML.

A value stands for data in the place where the rule's author put it. It is encoded for that place, so that data cannot
become another path, another parameter, another host, or markup.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from html import escape
from typing import NamedTuple
from urllib.parse import quote, unquote

from automation.engine.expressions.evaluation import MisplacedValue


class Piece(NamedTuple):
    """A part of a text: as the author wrote it, or what an expression yields."""

    text: str
    yielded: bool


Write = Callable[[Sequence[Piece]], str]
"""Puts pieces together to a text.

Raises:
    MisplacedValue: A value doesn't fit its place.
"""

_AUTHORITY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
_ENDS_AUTHORITY = ("/", "?", "#")
_CHANGE_THE_PATH = ("", ".", "..")
_mark = re.compile(r"[/?#]").search


def plain_text(pieces: Sequence[Piece]) -> str:
    """Return the pieces as they are."""
    return "".join(piece.text for piece in pieces)


def html(pieces: Sequence[Piece]) -> str:
    """Return HTML in which values are escaped, for text and for quoted attributes."""
    return "".join(escape(text) if yielded else text for text, yielded in pieces)


def url(pieces: Sequence[Piece]) -> str:
    """Return a URL (RFC 3986) that keeps the scheme, the host and the shape that its author wrote.

    In a path segment, a query's name or value, and the fragment, a value is percent-encoded. In the host and port it
    may only hold letters, digits, dots and hyphens. A value at the very beginning is taken as it is, as the author's
    choice of a scheme, a host and a path; it may have neither query nor fragment.

    Raises:
        MisplacedValue: A value doesn't fit its place, or a path segment becomes empty, ``.`` or ``..`` by one.
    """
    written = _Url()
    for text, yielded in pieces:
        if yielded:
            written.put(text)
        else:
            written.take(text)
    return written.finish()


class _Place(Enum):
    """Where in a URL the next character stands."""

    BEGINNING = auto()
    BEHIND_BASE = auto()
    SCHEME = auto()
    AUTHORITY = auto()
    PATH = auto()
    QUERY_OR_FRAGMENT = auto()


class _Url:
    """A URL under way: its parts so far, where the next one stands, and the path segment that is being written."""

    def __init__(self) -> None:
        self._place = _Place.BEGINNING
        self._parts: list[str] = []
        self._segment: list[str] = []
        self._segment_is_yielded = False

    def take(self, text: str) -> None:
        """Add what the author wrote."""
        while text:
            match self._place:
                case _Place.BEGINNING | _Place.SCHEME:
                    text = self._take_scheme(text)
                case _Place.BEHIND_BASE if not text.startswith(_ENDS_AUTHORITY):
                    raise MisplacedValue("what follows a URL's beginning must begin with /, ? or #")
                case _Place.BEHIND_BASE | _Place.AUTHORITY | _Place.PATH:
                    text = self._take_segment(text)
                case _:
                    self._parts.append(text)
                    return

    def put(self, value: str) -> None:
        """Add what an expression yields."""
        match self._place:
            case _Place.BEGINNING:
                if set(value) & set("?#"):
                    raise MisplacedValue("at the beginning of a URL a value may hold neither query nor fragment")
                self._place = _Place.BEHIND_BASE
            case _Place.BEHIND_BASE | _Place.SCHEME:
                raise MisplacedValue("in a URL's scheme there may be no value")
            case _Place.AUTHORITY if not set(value) <= _AUTHORITY:
                raise MisplacedValue("in a URL's host a value may only hold letters, digits, dots and hyphens")
            case _Place.PATH | _Place.QUERY_OR_FRAGMENT:
                value = quote(value, safe="")
                self._segment.append(value)
                self._segment_is_yielded = True
        self._parts.append(value)

    def finish(self) -> str:
        self._end_segment()
        return "".join(self._parts)

    def _take_scheme(self, text: str) -> str:
        scheme, separator, rest = text.partition("://")
        self._parts += (scheme, separator)
        self._place = _Place.AUTHORITY if separator else _Place.SCHEME
        return rest

    def _take_segment(self, text: str) -> str:
        """Take up to the next mark, which says where the text goes on; return what is behind it."""
        end = _mark(text)
        if end is None:
            self._parts.append(text)
            self._segment.append(text)
            return ""
        self._parts.append(text[: end.end()])
        self._segment.append(text[: end.start()])
        self._end_segment()
        self._place = _Place.PATH if end.group() == "/" else _Place.QUERY_OR_FRAGMENT
        return text[end.end() :]

    def _end_segment(self) -> None:
        segment = "".join(self._segment)
        if self._place is _Place.PATH and self._segment_is_yielded and unquote(segment) in _CHANGE_THE_PATH:
            raise MisplacedValue("a value makes a segment of the URL's path empty, . or ..")
        self._segment.clear()
        self._segment_is_yielded = False
