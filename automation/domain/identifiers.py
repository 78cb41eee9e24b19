"""The one written form of a UUID that the service takes (RFC 9562, section 4), and random ones in it."""

import os
import re
from uuid import UUID

CANONICAL_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

_canonical = re.compile(CANONICAL_UUID).fullmatch


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that ``text`` is, or None where it is not dashed ASCII hexadecimal, in either case."""
    return UUID(text) if _canonical(text) else None


def random_uuid() -> str:
    """Return the text of a random UUID (RFC 9562, section 5.4), without making the object."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
