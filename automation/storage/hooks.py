"""Finds the hook that a token stands for, before the tenant is known, and gives rules their hooks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from psycopg.rows import dict_row, scalar_row

from automation.domain.errors import RuleDeleted, RuleNotFound, RuleWithoutHook
from automation.domain.hooks import Hook, HookToken
from automation.domain.rules import RuleContent, TriggerType
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded
from automation.storage.pool.transaction import Transaction
from automation.storage.secrets.sealed_secrets import opened
from automation.storage.secrets.sealing import Keyring

# Which rule's hook a token is, and what its trigger is set to.
_RESOLVE = b"""
SELECT tenant, rule_id, trigger_config, tenant_requests, secret, key_id, data_key, ciphertext
FROM resolve_hook_v1(p_digest => %(digest)s)
"""
# Changes of the rule wait for this one; executions can be created meanwhile.
_LOCK = b"""
SELECT deleted_at IS NOT NULL FROM automation_rules WHERE tenant = %(tenant)s AND rule_id = %(rule)s FOR NO KEY UPDATE
"""
# Gives a hook another token; the one before ends later.
_ROTATE = b"""
SELECT rotate_hook_v1(
    p_tenant => %(tenant)s, p_rule => %(rule)s, p_digest => %(digest)s, p_overlap => %(overlap)s::double precision)
"""
# Gives a rule a hook with this token, unless it has one; or takes it away, where there is no token.
_KEEP = b"SELECT keep_hook_v1(p_tenant => %(tenant)s, p_rule => %(rule)s, p_digest => %(digest)s::bytea)"


class HookDirectory:
    """The hooks of all tenants, by the SHA-256 of the token.

    Args:
        database: Where they are known.
        keyring: What the secrets are decrypted with that deliveries are signed with; None where there are no keys.
    """

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        self._database = database
        self._keyring = keyring

    async def find(self, digest: bytes) -> Hook | None:
        """Return the hook that a token stands for, or None where there is none.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        row = await self._database.fetch_one(_RESOLVE, {"digest": digest}, dict_row)
        if row is None:
            return None
        return Hook(
            tenant=row["tenant"],
            rule_id=row["rule_id"],
            config=decoded(row["trigger_config"]),
            secret=None if row["secret"] is None else opened(self._keyring, row["tenant"], row["secret"], row),
            requests=row["tenant_requests"],
        )


class RuleHooks:
    """The hooks of rules of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rotate(self, tenant: UUID, rule_id: UUID, overlap: float) -> tuple[str, datetime]:
        """Give a rule's hook a new token, and return that and until when the one before is taken.

        Args:
            tenant: Whose rule it is.
            rule_id: Which rule.
            overlap: For how many seconds from now the token before is taken; others that were end at once.

        Raises:
            RuleNotFound: where this tenant has none of that id.
            RuleDeleted: where it is deleted.
            RuleWithoutHook: where webhooks don't start it.
            Unavailable: where the database cannot be reached.
        """
        token = HookToken.generate()
        named = {"tenant": tenant, "rule": rule_id, "digest": token.digest, "overlap": overlap}
        async with self._database.transaction(tenant) as transaction:
            deleted: bool | None = await transaction.fetch_one(_LOCK, named, scalar_row)
            if deleted is None:
                raise RuleNotFound
            if deleted:
                raise RuleDeleted
            ends: datetime | None = await transaction.fetch_one(_ROTATE, named, scalar_row)
            if ends is None:
                raise RuleWithoutHook
        return token.plaintext, ends.astimezone(UTC)


async def keep_hook(
    transaction: Transaction,
    named: Mapping[str, object],
    content: RuleContent | None,
    before: RuleContent | None = None,
) -> str | None:
    """See to it that a rule has a hook where a webhook starts it, and else has none; return the token of a new one.

    Args:
        transaction: The one that writes the rule, and has locked it.
        named: The ``tenant`` and the ``rule``.
        content: What the rule says from now on; None for one that is deleted.
        before: What it said; None for a new one.
    """
    if not any(each.trigger_type is TriggerType.WEBHOOK for each in (content, before) if each is not None):
        return None
    token = HookToken.generate() if content is not None and content.trigger_type is TriggerType.WEBHOOK else None
    asked = {**named, "digest": None if token is None else token.digest}
    made: bool | None = await transaction.fetch_one(_KEEP, asked, scalar_row)
    return token.plaintext if made and token is not None else None
