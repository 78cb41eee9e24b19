"""Names that sound like a secret's: of headers, parameters and members, whose values are not shown."""

import re
from functools import lru_cache
from typing import Final

_sounds_secret = re.compile(
    r"authorization|authentication|bearer|(api|access|client|private|subscription|signing|encryption)[-_ ]?key"
    r"|token|secret|passw(or)?d|passphrase|credential|cookie|signature|session|jwt|-key\Z|\A(x-)?auth\Z"
    r"|\A(pwd|sig|pin|otp)\Z",
    re.IGNORECASE,
).search


_SHORT: Final = 64
"""Characters of a name that is remembered: what is masked has few names, many times."""


def is_secret(name: str) -> bool:
    """Say whether what has this name is a secret: of headers, each that ends in -key, -token, -signature or -secret."""
    return _remembered(name) if len(name) <= _SHORT else _sounds_secret(name) is not None


@lru_cache(maxsize=4096)
def _remembered(name: str) -> bool:
    return _sounds_secret(name) is not None
