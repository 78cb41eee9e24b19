"""``automation tenants``: who the service's data belongs to."""

from typing import TYPE_CHECKING

import click

from automation.commands.arguments import LimitValue, Name
from automation.commands.environment import administration, read_settings
from automation.commands.output import Record, json_option, print_record, print_records

if TYPE_CHECKING:
    from automation.domain.limits import Limit, Limits
    from automation.storage.accounts.accounts import Tenant

COLUMNS = ("id", "name", "created_at")
LIMIT_COLUMNS = ("limit", "value", "unit", "of_its_own", "limits")


@click.group("tenants")
def command() -> None:
    """Create and list tenants, and say what each may use."""


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


@command.command("limits")
@click.option("--tenant", metavar="TENANT", type=Name(), required=True, help="The tenant's id or name.")
@click.option(
    "--set",
    "values",
    metavar="NAME=VALUE",
    type=LimitValue(),
    multiple=True,
    help="A limit of its own, as max_pending=500; max_pending=default takes it away. Can be given several times.",
)
@json_option
def limits(tenant: str, values: "tuple[tuple[Limit, int | None], ...]", *, as_json: bool) -> None:
    """Show what a tenant may use; with --set, change it first. It counts from the next request and run on."""
    defaults = read_settings().limits
    with administration() as records:
        own = records.set_limits(tenant, dict(values)) if values else records.limits(tenant)
    print_records(_describe_limits(defaults, own), LIMIT_COLUMNS, as_json=as_json)


def _describe_limits(defaults: "Limits", own: "Limits") -> list[Record]:
    from automation.domain.limits import Limit  # noqa: PLC0415

    return [
        {
            "limit": str(limit),
            "value": own.get(limit, defaults.get(limit)),
            "unit": limit.value.unit or None,
            "of_its_own": limit in own,
            "limits": limit.value.of,
        }
        for limit in Limit
    ]


def _describe(tenant: "Tenant") -> Record:
    return {"id": tenant.tenant, "name": tenant.name, "created_at": tenant.created_at}
