"""Vault of one run: the values of the secrets that its rule names, as they are when an action begins."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from automation.engine.rules.computing import Computing
from automation.engine.runs.outages import sit_out_outages
from automation.engine.runs.redaction import MOST_STEPS, Redaction, TooLong, within
from automation.storage.secrets.sealed_secrets import SealedSecrets

_NONE: Mapping[str, str | None] = MappingProxyType({})


class Vault:
    """Reads secrets, and remembers what was read: that must not be told, whatever becomes of the secret meanwhile.

    Args:
        secrets: Where they are read.
        tenant: Whose they are.
        computing: Does what takes long.
    """

    def __init__(self, secrets: SealedSecrets, tenant: UUID, computing: Computing) -> None:
        self._secrets = secrets
        self._tenant = tenant
        self._computing = computing
        self.redaction = Redaction()

    async def values(self, names: Collection[str]) -> Mapping[str, str | None]:
        """Return the values by name, as ``SealedSecrets.read`` does; waits where the database is away.

        All that the rule names are read for each of its actions: one may be told what another one has sent.
        """
        if not names:
            return _NONE
        found = await sit_out_outages(lambda: self._secrets.read(self._tenant, names))
        await self.learn([value for value in found.values() if value is not None])
        return found

    async def learn(self, values: Collection[str]) -> None:
        """Tell none of these values from now on."""
        # That has no bound but the sizes of secrets and rules: what was not learned would be told.
        await self._computing.done(self._tenant, lambda pace: self.redaction.learn(values, pace))

    async def text(self, text: str) -> str:
        """Return a text without what may not be told."""
        return await self._computing.done(
            self._tenant, lambda pace: self.redaction.text(text, within(MOST_STEPS, pace))
        )

    async def value(self, value: Mapping[str, Any]) -> Any | None:
        """Return a JSON object without what may not be told; None where it takes too long to search it for that."""
        try:
            return await self._computing.done(
                self._tenant, lambda pace: self.redaction.value(value, within(MOST_STEPS, pace))
            )
        except TooLong:
            return None

    async def close(self) -> None:
        """Forget what may not be told, when nothing is told any more."""
        await self._computing.done(self._tenant, self.redaction.close)
