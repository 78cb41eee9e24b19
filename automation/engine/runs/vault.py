"""Vault of one run: the values of the secrets that its rule names, as they are when an action begins."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from uuid import UUID

from automation.engine.runs.outages import sit_out_outages
from automation.engine.runs.redaction import Redaction
from automation.storage.secrets.sealed_secrets import SealedSecrets

_NONE: Mapping[str, str | None] = MappingProxyType({})


class Vault:
    """Reads secrets, and remembers what was read: that must not be told, whatever becomes of the secret meanwhile.

    Args:
        secrets: Where they are read.
        tenant: Whose they are.
    """

    def __init__(self, secrets: SealedSecrets, tenant: UUID) -> None:
        self._secrets = secrets
        self._tenant = tenant
        self.redaction = Redaction()

    async def values(self, names: Collection[str]) -> Mapping[str, str | None]:
        """Return the values by name, as ``SealedSecrets.read`` does; waits where the database is away.

        All that the rule names are read for each of its actions: one may be told what another one has sent.
        """
        if not names:
            return _NONE
        found = await sit_out_outages(lambda: self._secrets.read(self._tenant, names))
        self.redaction.learn(value for value in found.values() if value is not None)
        return found
