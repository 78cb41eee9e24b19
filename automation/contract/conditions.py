"""Whether a client already has what it asks for (RFC 9110, sections 8.8.3 and 13.1.2)."""

import re

_tag = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def is_current(etag: str, if_none_match: str) -> bool:
    """Return whether ``If-None-Match`` names a version, by weak comparison; ``*`` names any."""
    if if_none_match.strip() == "*":
        return True
    known = _tag.fullmatch(etag)
    return known is not None and known[1] in _tag.findall(if_none_match)
