"""Encrypts the values of secrets anew for the operator's first key, a few at a time, while the service runs.

It connects as the owner of the tables, whom row-level security binds as well: each transaction is one tenant's. A
secret that is given a value at the same moment waits for the batch, which holds it for some milliseconds; reading waits
for nothing.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, literal, select, update

from automation.domain.audit import AuditResource
from automation.storage.account_tables import tenants
from automation.storage.accounts import engine
from automation.storage.accounts.operator_trail import Command, record
from automation.storage.accounts.refusals import explained
from automation.storage.secret_tables import automation_secrets
from automation.storage.secrets.sealing import Keyring, Sealed, Unreadable

_SECRETS = automation_secrets.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What came of a rotation: how many values were encrypted anew, and how many can't be read.

    ``unreadable`` are the ids of the keys of those.
    """

    rotated: int
    left: int
    unreadable: tuple[str, ...]


def rotate(url: str, keyring: Keyring, *, batch: int) -> Rotated:
    """Encrypt every value anew that is not encrypted with the first key; begun again, it goes on where it was.

    Args:
        url: The owner's; anything that libpq takes.
        keyring: The first key, and those before.
        batch: How many values are changed in one transaction.

    Raises:
        AdministrationError: The database is not migrated, or not the role's.
        Unavailable: The database cannot be reached.
    """
    with explained():
        pool = engine.create(url, "automation secrets")
        with pool.begin() as connection:
            found = list(connection.scalars(select(tenants.c.tenant).order_by(tenants.c.tenant)))
        outcomes = [_Rotation(keyring, tenant, batch) for tenant in found]
        for each in outcomes:
            while each.goes_on:
                with pool.begin() as connection:
                    each.take(connection)
                    each.leave_trail(connection)
    unreadable = sorted({key for each in outcomes for key in each.unreadable})
    return Rotated(
        rotated=sum(each.rotated for each in outcomes),
        left=sum(each.left for each in outcomes),
        unreadable=tuple(unreadable),
    )


class _Rotation:
    """The rotation of one tenant's secrets, in the order of their names."""

    def __init__(self, keyring: Keyring, tenant: UUID, batch: int) -> None:
        self._keyring = keyring
        self._tenant = tenant
        self._batch = batch
        self._after = ""
        self.goes_on = True
        self.rotated = 0
        self.left = 0
        self.unreadable: set[str] = set()

    def take(self, connection: Connection) -> None:
        """Change the next few, in the connection's transaction."""
        connection.execute(select(func.set_config("app.tenant", str(self._tenant), literal(True))))
        rows = connection.execute(
            select(_SECRETS.name, _SECRETS.key_id, _SECRETS.data_key, _SECRETS.ciphertext)
            .where(_SECRETS.tenant == self._tenant, _SECRETS.name > self._after)
            .where(_SECRETS.key_id != self._keyring.current)
            .order_by(_SECRETS.name)
            .limit(self._batch)
            .with_for_update(key_share=True)
        ).mappings()
        found = rows.all()
        self.goes_on = len(found) == self._batch
        for row in found:
            self._after = row["name"]
            self._seal_anew(connection, row)

    def leave_trail(self, connection: Connection) -> None:
        """Tell the tenant's audit log once, in the last transaction, if anything was changed."""
        if not self.goes_on and self.rotated:
            details = {"key": self._keyring.current, "secrets": self.rotated}
            record(connection, self._tenant, Command("rotateSecrets", AuditResource.TENANT, details=details))

    def _seal_anew(self, connection: Connection, row: RowMapping) -> None:
        name = row["name"]
        try:
            value = self._keyring.open(self._tenant, name, Sealed(row["key_id"], row["data_key"], row["ciphertext"]))
        except Unreadable:
            self.left += 1
            self.unreadable.add(row["key_id"])
            return
        sealed = self._keyring.seal(self._tenant, name, value)
        connection.execute(
            update(automation_secrets)
            .where(_SECRETS.tenant == self._tenant, _SECRETS.name == name)
            .values(key_id=sealed.key_id, data_key=sealed.data_key, ciphertext=sealed.ciphertext)
        )
        self.rotated += 1
