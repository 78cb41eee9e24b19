"""Reads the values of secrets for workers, and decrypts them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import structlog
from psycopg.rows import dict_row

from automation.storage.pool.database import Database
from automation.storage.secrets.sealing import Keyring, Sealed, Unreadable

# The encrypted values of a tenant's secrets, by their names.
_READ = b"SELECT name, key_id, data_key, ciphertext FROM read_secrets_v1(p_tenant => %(tenant)s, p_names => %(names)s)"

_log = structlog.get_logger()


class SealedSecrets:
    """The values of the secrets of all tenants, one tenant at a time.

    Args:
        database: Where they are, as the role of the workers.
        keyring: What they are decrypted with; None where the operator has set no keys.
    """

    def __init__(self, database: Database, keyring: Keyring | None) -> None:
        self._database = database
        self._keyring = keyring

    async def read(self, tenant: UUID, names: Collection[str]) -> Mapping[str, str | None]:
        """Return the values of a tenant's secrets as they are now, by name.

        One that there is not is absent. One that can't be decrypted here is None; the log says why.

        Raises:
            Unavailable: where no database answers.
        """
        rows = await self._database.fetch_rows(_READ, {"tenant": tenant, "names": list(names)}, rows=dict_row)
        return {row["name"]: opened(self._keyring, tenant, row["name"], row) for row in rows}


def opened(keyring: Keyring | None, tenant: UUID, name: str, row: Mapping[str, Any]) -> str | None:
    """Return the value of a secret that a row has encrypted; None where it can't be read here, and the log says why."""
    reason = "no keys for secrets are set here"
    if keyring is not None:
        try:
            return keyring.open(tenant, name, Sealed(row["key_id"], row["data_key"], row["ciphertext"]))
        except Unreadable as error:
            reason = str(error)
    _log.error("secret unreadable", tenant=str(tenant), secret=name, reason=reason)
    return None
