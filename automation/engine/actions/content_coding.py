"""Decodes content codings of HTTP piece by piece, up to a limit, and knows whether a body came whole (RFC 9110, 8.4).

Accepted are ``gzip`` and ``x-gzip`` (RFC 1952, several members too), ``deflate`` (RFC 1950, and the bare RFC 1951 that
some servers send under this name), and ``identity``.
"""

import zlib
from typing import Protocol

# zlib's names of formats: a negative window means data without header and checksum.
_GZIP = zlib.MAX_WBITS | 16
_ZLIB = zlib.MAX_WBITS
_BARE = -zlib.MAX_WBITS

MOST_MEMBERS = 1_000
"""Members of a gzip body at the most."""

_HEADER_BYTES = 2
_DEFLATE_METHOD = 8


class Undecodable(Exception):
    """The body has a coding that wasn't asked for, isn't coded as it says, or doesn't come to its end."""


class Decoder(Protocol):
    """Decodes one body."""

    def feed(self, piece: bytes, limit: int) -> bytes:
        """Return what a piece decodes to, at most ``limit`` bytes; after a full answer no more may be fed.

        Raises:
            Undecodable: It is not coded as it says.
        """

    def finish(self) -> None:
        """Declare that the body has ended.

        Raises:
            Undecodable: What was fed ends before the coding's own end.
        """


def decoder(content_encoding: str) -> Decoder:
    """Return a decoder for the value of a ``Content-Encoding`` header, empty where there is none.

    Raises:
        Undecodable: It names a coding that isn't accepted, or more than one.
    """
    codings = [coding for part in content_encoding.split(",") if (coding := part.strip().lower())]
    match [coding for coding in codings if coding != "identity"]:
        case []:
            return _Identity()
        case ["gzip" | "x-gzip"]:
            return _Gzip()
        case ["deflate"]:
            return _Deflate()
    raise Undecodable("it has a content encoding that was not asked for")


class _Identity:
    def feed(self, piece: bytes, limit: int) -> bytes:
        return piece[:limit]

    def finish(self) -> None:
        """Accept: the length of an uncoded body is checked by HTTP itself."""


class _Gzip:
    """Members one after the other; zeros may fill up the rest (as tapes and block devices do)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False
        self._members = 0

    def feed(self, piece: bytes, limit: int) -> bytes:
        decoded = bytearray()
        while piece and len(decoded) < limit:
            if not self._begun:
                piece = piece.lstrip(b"\0") if self._members else piece
                self._begun = bool(piece)
            decoded += _decompressed(self._member, piece, limit - len(decoded))
            piece = self._rest()
        return bytes(decoded)

    def _rest(self) -> bytes:
        """Return what follows the member, where it has ended."""
        if not self._member.eof:
            return b""
        rest = self._member.unused_data
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise Undecodable("it has too many parts of its encoding")
        return rest

    def finish(self) -> None:
        if self._begun:
            raise Undecodable("it ends before its encoding does")


class _Deflate:
    def __init__(self) -> None:
        self._head = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, piece: bytes, limit: int) -> bytes:
        if self._stream is None:
            self._head += piece
            if len(self._head) < _HEADER_BYTES:
                return b""
            self._stream, piece = zlib.decompressobj(_format(self._head)), self._head
        decoded = _decompressed(self._stream, piece, limit)
        if self._stream.unused_data:
            raise Undecodable("it is not encoded as it says")
        return decoded

    def finish(self) -> None:
        if self._head if self._stream is None else not self._stream.eof:
            raise Undecodable("it ends before its encoding does")


def _format(head: bytes) -> int:
    """Return the format of deflated data by its first two bytes: bare data has no header with a valid check."""
    wrapped = head[0] & 0x0F == _DEFLATE_METHOD and int.from_bytes(head[:_HEADER_BYTES]) % 31 == 0
    return _ZLIB if wrapped else _BARE


def _decompressed(stream: "zlib._Decompress", piece: bytes, limit: int) -> bytes:
    try:
        return stream.decompress(piece, limit)
    except zlib.error:
        raise Undecodable("it is not encoded as it says") from None
