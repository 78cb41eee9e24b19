"""What security needs of the place where keys are kept, so that its rules stand apart from the storage."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from automation.domain.principal import Principal


class KeyRecord(Protocol):
    """What the directory knows of an accepted key."""

    @property
    def principal(self) -> Principal:
        """Whom the key stands for."""

    @property
    def limited(self) -> bool:
        """Whether the key has a ``usage_limit``, so that every use of it has to be counted."""

    @property
    def expires_in(self) -> float | None:
        """Seconds until the key expires, by the database's clock; None where it never does."""


class Directory(Protocol):
    """The keys' directory, as ``automation.storage.keys.KeyDirectory`` keeps it."""

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        """Return what is known of the key of that digest.

        Args:
            digest: The SHA-256 of the key.
            tenant: The tenant that the caller named, None where it named none.
            count: Whether this is a use of the key, to be counted where the key has a limit. A key whose limit is used
                up is refused either way.

        Raises:
            Unauthenticated: The key is not accepted, or not for that tenant; the concrete class says why.
            Unavailable: The directory did not answer.
        """

    async def touch(self, digests: Collection[bytes]) -> None:
        """Set ``last_used_at`` of the keys of those digests to now."""
