"""Keys for secrets that the services and workers of tests have in common."""

import base64

from automation.storage.secrets.sealing import Keyring


def a_key(identifier: str, filling: bytes) -> str:
    """Return a key as a setting has it: 32 times one byte."""
    return f"{identifier}:{base64.b64encode(filling * 32).decode()}"


SECRET_KEYS = a_key("k1", b"1")
KEYRING = Keyring.read(SECRET_KEYS)
