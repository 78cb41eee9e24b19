"""Encrypts the values of secrets: AES-256-GCM, with a key for each value that one of the operator's keys encrypts.

The tenant's id and the secret's name are authenticated with both (associated data), so that a value that is moved to
another name or tenant in the database is refused. What is encrypted is 12 bytes of nonce, the ciphertext, and 16 bytes
of tag.
"""

import base64
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from uuid import UUID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32
_OF_THE_KEY, _OF_THE_VALUE = b"automation data key", b"automation secret"

_key = re.compile(r"(?P<id>[A-Za-z0-9]{1,16}):(?P<key>[A-Za-z0-9+/]{43}=)").fullmatch


class Unreadable(Exception):
    """A value can't be decrypted here; the message says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value: with a data key, which is encrypted with the operator's key of an id."""

    key_id: str
    data_key: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


class Keyring:
    """The operator's keys: the first encrypts, all decrypt.

    Args:
        keys: Keys of 32 bytes, by their ids.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self.current = next(iter(self._keys))

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the keys that a text names: ``id:key``, separated by commas, each key 32 bytes in base64.

        Raises:
            ValueError: It is none; the message is for the operator, and quotes nothing of it.
        """
        found = [_key(part.strip()) for part in text.split(",") if part.strip()]
        if not found or None in found:
            raise ValueError(
                "must be keys such as k2:…, separated by commas: an id of at most 16 letters and digits, a colon, and "
                "32 bytes in base64, as `openssl rand -base64 32` prints them"
            )
        keys = {match["id"]: base64.b64decode(match["key"]) for match in found if match is not None}
        if len(keys) < len(found):
            raise ValueError("must not give two keys the same id")
        return cls(keys)

    def digest_keys(self) -> tuple[bytes, ...]:
        """Return keys for digests of what holds a value, made of these, the first one first; they decrypt nothing."""
        return tuple(hmac.digest(key, b"automation digests", "sha256") for key in self._keys.values())

    def seal(self, tenant: UUID, name: str, value: str) -> Sealed:
        """Return the value of a tenant's secret, encrypted with the first key."""
        data_key = os.urandom(_KEY_BYTES)
        return Sealed(
            self.current,
            _encrypted(self._keys[self.current], data_key, _bound(_OF_THE_KEY, tenant, name)),
            _encrypted(data_key, value.encode(), _bound(_OF_THE_VALUE, tenant, name)),
        )

    def open(self, tenant: UUID, name: str, sealed: Sealed) -> str:
        """Return the value of a tenant's secret.

        Raises:
            Unreadable: Its key isn't among these, or it isn't what was encrypted under this tenant and name.
        """
        if sealed.key_id not in self._keys:
            raise Unreadable(f"it is encrypted with the key {sealed.key_id}, which is not set here")
        key = _decrypted(self._keys[sealed.key_id], sealed.data_key, _bound(_OF_THE_KEY, tenant, name))
        return _decrypted(key, sealed.ciphertext, _bound(_OF_THE_VALUE, tenant, name)).decode()


def generated_key() -> str:
    """Return a new key, as ``Keyring.read`` takes it."""
    return f"k1:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"


def _encrypted(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, content, bound)


def _decrypted(key: bytes, content: bytes, bound: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see _cipher

    try:
        return _cipher(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound)
    except InvalidTag:
        raise Unreadable("it is not what was encrypted, or its key is another one than it was") from None


def _bound(purpose: bytes, tenant: UUID, name: str) -> bytes:
    return b"\0".join((purpose, tenant.bytes + name.encode()))


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - whoever has no secrets waits for nothing

    return AESGCM(key)
