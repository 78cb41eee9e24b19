"""Writes, lists and deletes the secrets of tenants, for the API, which can't read their values."""

from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow, dict_row, scalar_row

from automation.domain.errors import SecretInUse, SecretNotFound, SecretsExhausted, SecretsNotConfigured
from automation.domain.limits import DEFAULTS, Limit, Limits
from automation.domain.pages import Page, PageRequest, Position, known_page, page_of, revision_of
from automation.domain.secrets import Secret
from automation.storage.pool.database import Database
from automation.storage.secrets.sealing import Keyring

_KNOWN = "name, created_by, created_at, updated_by, updated_at"

# Keeps a secret's value; no row where the tenant has too many.
_PUT = f"""
SELECT created, {_KNOWN} FROM put_secret_v1(
    p_tenant => %(tenant)s, p_name => %(name)s, p_user => %(user)s, p_key_id => %(key_id)s,
    p_data_key => %(data_key)s, p_ciphertext => %(ciphertext)s, p_most => %(most)s)
""".encode()  # noqa: S608 - made of constants
# What is known of a secret.
_GET = f"SELECT {_KNOWN} FROM automation_secrets WHERE tenant = %(tenant)s AND name = %(name)s".encode()  # noqa: S608
_LIST = f"""
SELECT number, {_KNOWN} FROM automation_secrets
WHERE tenant = %(tenant)s {{bound}}
ORDER BY number {{direction}} LIMIT %(rows)s
"""  # noqa: S608 - made of constants
# A page of a tenant's secrets: on from the beginning, a position, back from one, or one's own.
_PAGES = {
    (False, False): _LIST.format(bound="AND number < %(number)s", direction="DESC").encode(),
    (False, True): _LIST.format(bound="AND number <= %(number)s", direction="DESC").encode(),
    (True, False): _LIST.format(bound="AND number > %(number)s", direction="ASC").encode(),
    (True, True): _LIST.format(bound="AND number >= %(number)s", direction="ASC").encode(),
}
_FIRST_PAGE = _LIST.format(bound="", direction="DESC").encode()
# Rules that begin to name it wait for this one.
_LOCK = b"SELECT true FROM automation_secrets WHERE tenant = %(tenant)s AND name = %(name)s FOR UPDATE"
# The rules that name it, as many as an error tells of and one more.
_USERS = b"""
SELECT rule_id FROM automation_rule_secrets WHERE tenant = %(tenant)s AND name = %(name)s
ORDER BY rule_id LIMIT %(rows)s
"""
# A rule whose deliveries are verified with it, by a kind of verification.
_VERIFIES = b"""
SELECT r.rule_id
FROM automation_rule_secrets u JOIN automation_rules r ON r.tenant = u.tenant AND r.rule_id = u.rule_id
WHERE u.tenant = %(tenant)s AND u.name = %(name)s AND r.trigger_type = 'webhook'
    AND r.trigger_config -> 'verification' ->> 'type' = %(kind)s
    AND r.trigger_config -> 'verification' ->> 'secret' = concat('${secrets.', %(name)s::text, '}')
ORDER BY r.rule_id LIMIT 1
"""
_DELETE = b"DELETE FROM automation_secrets WHERE tenant = %(tenant)s AND name = %(name)s"

_RULES_TOLD_OF = 4
_SECONDS_TO_SET_KEYS = "60"


class Kept(NamedTuple):
    """What is known of a secret that was given a value, and whether it is new."""

    secret: Secret
    created: bool


class Secrets:
    """The secrets of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are.
        keyring: What their values are encrypted with; None where the operator has set no keys.
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, database: Database, keyring: Keyring | None, limits: Limits = DEFAULTS) -> None:
        self._database = database
        self._keyring = keyring
        self._most = limits[Limit.MAX_SECRETS]

    async def put(self, tenant: UUID, user: UUID, name: str, value: str) -> Kept:
        """Keep a value under a name; one that the name had before is gone.

        Raises:
            SecretsExhausted: It would be one more than the tenant may have.
            SecretsNotConfigured: There is no key to encrypt it with.
        """
        if self._keyring is None:
            raise SecretsNotConfigured(headers={"Retry-After": _SECONDS_TO_SET_KEYS})
        sealed = self._keyring.seal(tenant, name, value)
        named = {
            **_named(tenant, name),
            "user": user,
            "key_id": sealed.key_id,
            "data_key": sealed.data_key,
            "ciphertext": sealed.ciphertext,
            "most": self._most,
        }
        async with self._database.transaction(tenant) as transaction:
            row = await transaction.fetch_one(_PUT, named, dict_row)
            if row is None:
                raise SecretsExhausted
        return Kept(_secret(row), row["created"])

    async def get(self, tenant: UUID, name: str) -> Secret:
        """Return what is known of a secret.

        Raises:
            SecretNotFound: where this tenant has none of that name.
        """
        ((*found,),) = await self._database.read(tenant, (_GET, _named(tenant, name)), rows=dict_row)
        if not found:
            raise SecretNotFound
        return _secret(found[0])

    async def verifying(self, tenant: UUID, name: str, kind: str) -> UUID | None:
        """Return a rule whose webhooks are verified with a secret in a way, the first of them; None where none are."""
        named = {**_named(tenant, name), "kind": kind}
        ((*found,),) = await self._database.read(tenant, (_VERIFIES, named), rows=scalar_row)
        return found[0] if found else None

    async def page(self, tenant: UUID, request: PageRequest) -> Page[Secret]:
        """Return a page of a tenant's secrets, the newest first; where its revision is known, that alone."""
        cursor = request.cursor
        query = _FIRST_PAGE if cursor is None else _PAGES[cursor.backward, cursor.inclusive]
        values: dict[str, Any] = {"tenant": tenant, "rows": request.limit + 1}
        if cursor is not None:
            values["number"] = cursor.position.number
        (rows,) = await self._database.read(tenant, (query, values), rows=dict_row)
        # Of all that is shown: the API may not read when a row was written.
        revision = revision_of(*((row["number"], _secret(row)) for row in rows))
        if revision == request.known:
            return known_page(revision)
        return page_of(request, [(Position(row["number"]), _secret(row)) for row in rows], revision=revision)

    async def delete(self, tenant: UUID, name: str) -> None:
        """Delete a secret that no rule names.

        Raises:
            SecretInUse: where rules name it.
            SecretNotFound: where this tenant has none of that name.
        """
        named = _named(tenant, name)
        async with self._database.transaction(tenant) as transaction:
            if not await transaction.fetch_one(_LOCK, named, scalar_row):
                raise SecretNotFound
            users = await transaction.fetch_all(_USERS, named | {"rows": _RULES_TOLD_OF + 1}, scalar_row)
            if users:
                raise SecretInUse(_told(users))
            await transaction.execute(_DELETE, named)


def _named(tenant: UUID, name: str) -> dict[str, object]:
    return {"tenant": tenant, "name": name}


def _told(users: list[UUID]) -> str:
    shown = ", ".join(map(str, users[:_RULES_TOLD_OF]))
    return f"Rules name the secret: {shown}{' and others' if len(users) > _RULES_TOLD_OF else ''}."


def _secret(row: DictRow) -> Secret:
    return Secret(
        name=row["name"],
        created_by=row["created_by"],
        created_at=row["created_at"].astimezone(UTC),
        updated_by=row["updated_by"],
        updated_at=row["updated_at"].astimezone(UTC),
    )
