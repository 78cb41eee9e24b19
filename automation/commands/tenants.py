"""``automation tenants``: who the service's data belongs to."""

from typing import TYPE_CHECKING

import click

from automation.commands.arguments import Name
from automation.commands.environment import administration
from automation.commands.output import Record, json_option, print_record, print_records

if TYPE_CHECKING:
    from automation.storage.accounts.accounts import Tenant

COLUMNS = ("id", "name", "created_at")


@click.group("tenants")
def command() -> None:
    """Create and list tenants."""


@command.command("create")
@click.argument("name", type=Name())
@json_option
def create(name: str, *, as_json: bool) -> None:
    """Create the tenant NAME, with the roles that users of every tenant may have."""
    with administration() as records:
        tenant = records.create_tenant(name)
    print_record(_describe(tenant), as_json=as_json)


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all tenants by name."""
    with administration() as records:
        tenants = records.list_tenants()
    print_records([_describe(tenant) for tenant in tenants], COLUMNS, as_json=as_json)


def _describe(tenant: "Tenant") -> Record:
    return {"id": tenant.tenant, "name": tenant.name, "created_at": tenant.created_at}
