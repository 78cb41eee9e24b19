"""The one written form of a UUID that the service takes (RFC 9562, section 4)."""

import re
from uuid import UUID

CANONICAL_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

_canonical = re.compile(CANONICAL_UUID).fullmatch


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that ``text`` is, or None where it is not dashed ASCII hexadecimal, in either case."""
    return UUID(text) if _canonical(text) else None
