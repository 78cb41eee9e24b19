"""URLs as they may be shown: where a database is and who asks, never the password."""

import re

MASK = "***"

_PASSWORD = re.compile(r"^([a-z0-9+.-]*://[^:/?#@]*):.*@", re.IGNORECASE | re.DOTALL)
"""From the first colon after the scheme to the last @: also a password that should have been percent-encoded."""

_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:password|secret|%)[^=&]*=)[^&]*", re.IGNORECASE)
"""A parameter such as ``sslpassword``; a name that is itself percent-encoded may be any."""


def mask(url: str) -> str:
    """Return a URL without its passwords; anything else as it is."""
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", url))
