"""The shape of an API key: scanners recognise one, and garbage is refused without a query.

A key is ``ak_``, 43 base62 characters that hold 32 random bytes, and 6 base62 characters that hold the CRC-32 of those
43. A CRC-32 differs for any two texts that differ within 32 bits, so no key turns into another by one wrong character.
"""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from zlib import crc32

from automation.domain.errors import ApiKeyInvalid

PREFIX = "ak_"
LENGTH = 52
DISPLAY_LENGTH = 11

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_BYTES = 32
_BODY_LENGTH = 43
_CHECKSUM_LENGTH = 6

_shaped = re.compile(r"ak_([0-9A-Za-z]{43})([0-9A-Za-z]{6})").fullmatch


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A new key: the text to show once, and what is stored of it.

    ``digest`` is the SHA-256 of the text, 32 bytes; ``prefix`` its first 11 characters, safe to show and to log.
    """

    plaintext: str = field(repr=False)
    digest: bytes
    prefix: str


def generate() -> ApiKey:
    """Return a new key from the operating system's random source."""
    body = _base62(int.from_bytes(secrets.token_bytes(_RANDOM_BYTES)), _BODY_LENGTH)
    plaintext = f"{PREFIX}{body}{_checksum(body)}"
    return ApiKey(plaintext, fingerprint(plaintext), plaintext[:DISPLAY_LENGTH])


def digest_of(text: str) -> bytes:
    """Return the digest by which the key ``text`` is found.

    Raises:
        ApiKeyInvalid: It is not a key, or not one that was copied without a mistake.
    """
    require_well_formed(text)
    return fingerprint(text)


def require_well_formed(text: str) -> None:
    """Check a text against the shape and checksum of keys; whether such a key exists is another question.

    Raises:
        ApiKeyInvalid: It is not a key, or not one that was copied without a mistake.
    """
    shape = _shaped(text)
    if shape is None or _checksum(shape[1]) != shape[2]:
        raise ApiKeyInvalid


def display_prefix(text: str) -> str | None:
    """Return what may be shown and logged of a key, also of one that is not right; None of what is no key at all."""
    return text[:DISPLAY_LENGTH] if _shaped(text) else None


def fingerprint(text: str) -> bytes:
    """Return the SHA-256 of a text, whether or not it is a well-formed key."""
    return sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode("ascii")), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
