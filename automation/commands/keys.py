"""``automation keys``: API keys, each shown once when it is made and known by its prefix from then on."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import click

from automation.commands.arguments import MAXIMUM_LIMIT, KeyPrefix, Moment, Name
from automation.commands.environment import administration
from automation.commands.output import Record, json_option, print_line, print_record, print_records
from automation.domain.limits import Limit
from security.key_format import generate

if TYPE_CHECKING:
    from automation.storage.accounts.accounts import Key
    from automation.storage.accounts.administration import Administration

COLUMNS = (
    "prefix",
    "tenant",
    "email",
    "active",
    "expires_at",
    "usage_limit",
    "usage_count",
    "requests_per_minute",
    "last_used_at",
    "created_at",
    "name",
)


@click.group("keys")
def command() -> None:
    """Create, list and revoke API keys."""


@command.command("create")
@click.option("--tenant", metavar="TENANT", type=Name(), required=True, help="The tenant's id or name.")
@click.option("--user", metavar="USER", type=Name(), required=True, help="The user's id or e-mail address.")
@click.option("--name", metavar="NAME", type=Name(), help="What the key is for, such as the program that uses it.")
@click.option("--expires-at", type=Moment(to_come=True), help="Until when it is accepted, as 2030-01-31T00:00:00Z.")
@click.option(
    "--usage-limit",
    metavar="NUMBER",
    type=click.IntRange(1, MAXIMUM_LIMIT),
    help="How many requests it is accepted for, over its whole life.",
)
@click.option(
    "--requests-per-minute",
    metavar="NUMBER",
    type=click.IntRange(1, Limit.REQUESTS_PER_MINUTE.value.most),
    help="How many requests with it are answered in a minute; without it, the tenant's limit alone counts.",
)
@json_option
def create(
    tenant: str,
    user: str,
    name: str | None,
    *,
    expires_at: datetime | None,
    usage_limit: int | None,
    requests_per_minute: int | None,
    as_json: bool,
) -> None:
    """Create a key of a user. It is shown once: only its SHA-256 is stored."""
    with administration() as records:
        made = generate()
        key = records.create_key(
            tenant,
            user,
            digest=made.digest,
            prefix=made.prefix,
            name=name,
            expires_at=expires_at,
            usage_limit=usage_limit,
            requests_per_minute=requests_per_minute,
        )
    print_record({"key": made.plaintext, **_describe(key)}, as_json=as_json)
    if not as_json:
        print_line("Copy the key now: it cannot be shown again.")


@command.command("list")
@click.option("--tenant", metavar="TENANT", type=Name(), help="Only this tenant's keys, by its id or name.")
@click.option("--user", metavar="USER", type=Name(), help="Only this user's keys, by its id or e-mail address.")
@json_option
def list_(tenant: str | None, user: str | None, *, as_json: bool) -> None:
    """List keys by tenant and age, never the keys themselves."""
    if user and not tenant:
        raise click.UsageError("--user is one of a tenant's: it needs --tenant")
    with administration() as records:
        owner = records.find_user(tenant, user).user if tenant and user else None
        tenants = [tenant] if tenant else [each.tenant for each in records.list_tenants()]
        keys = [key for each in tenants for key in records.list_keys(each) if owner in (None, key.user)]
    print_records([_describe(key) for key in keys], COLUMNS, as_json=as_json)


@command.command("revoke")
@click.argument("key", type=KeyPrefix())
@click.option(
    "--tenant", metavar="TENANT", type=Name(), help="The key's tenant, by its id or name; else all are searched."
)
@json_option
def revoke(key: str, tenant: str | None, *, as_json: bool) -> None:
    """Revoke KEY for good; KEY is its prefix, such as ak_1a2B3c4D, or the whole key."""
    with administration() as records:
        revoked = records.revoke_key(tenant or _tenant_of(records, key), key)
    print_record(_describe(revoked), as_json=as_json)


def _tenant_of(records: "Administration", prefix: str) -> UUID:
    for tenant in records.list_tenants():
        if any(key.prefix == prefix for key in records.list_keys(tenant.tenant)):
            return tenant.tenant
    raise click.UsageError(f"There is no key {prefix}.")


def _describe(key: "Key") -> Record:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "tenant": key.tenant,
        "user": key.user,
        "email": key.email,
        "active": key.active,
        "expires_at": key.expires_at,
        "usage_limit": key.usage_limit,
        "usage_count": None if key.usage_limit is None else key.usage_count,  # others are not counted
        "requests_per_minute": key.requests_per_minute,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
