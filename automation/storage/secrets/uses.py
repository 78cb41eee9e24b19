"""Keeps which rule names which secrets, and refuses a rule that names one that is not there."""

from collections.abc import Mapping, Sequence

from psycopg.rows import scalar_row

from automation.domain.errors import InvalidBody, Violation
from automation.storage.pool.transaction import Transaction

# The secrets that a rule names from now on; the names that there are no secrets of come back.
_USE_SECRETS = b"SELECT use_secrets_v1(p_tenant => %(tenant)s, p_rule => %(rule)s, p_names => %(names)s)"

SecretUses = Mapping[str, Sequence[str]]
"""The secrets that a rule names, each with the pointers of the strings that do."""


async def use_secrets(transaction: Transaction, named: Mapping[str, object], secrets: SecretUses) -> None:
    """Store which secrets a rule names from now on, in the transaction that writes the rule.

    Raises:
        InvalidBody: where the tenant has not all of them.
    """
    missing = await transaction.fetch_one(_USE_SECRETS, {**named, "names": list(secrets)}, scalar_row)
    if missing:
        raise InvalidBody(
            "The rule could not be run as it is written.",
            violations=[
                Violation(f"there is no secret {name}", pointer=place) for name in missing for place in secrets[name]
            ],
        )
