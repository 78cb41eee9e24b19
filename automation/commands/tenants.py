"""``automation tenants``: who the service's data belongs to."""

from typing import TYPE_CHECKING

import click

from automation.commands.arguments import LimitValue, Name, PeriodValue
from automation.commands.environment import administration, pruning, read_settings
from automation.commands.output import Record, json_option, print_record, print_records

if TYPE_CHECKING:
    from automation.domain.limits import Limit, LimitInUse
    from automation.domain.retention import Kept, Retention
    from automation.storage.accounts.accounts import Tenant

COLUMNS = ("id", "name", "created_at")
RETENTION_COLUMNS = ("kept", "days", "of_its_own", "of")
LIMIT_COLUMNS = ("limit", "value", "used", "unit", "of_its_own", "limits")


@click.group("tenants")
def command() -> None:
    """Create and list tenants, and say what each may use and for how long what is kept of it."""


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
    """Show what a tenant may use and uses; with --set, change it first. It counts within a second."""
    defaults = read_settings().limits
    with administration() as records:
        if values:
            records.set_limits(tenant, dict(values))
        found = records.limits_in_use(tenant, defaults)
    print_records([_describe_limit(each) for each in found], LIMIT_COLUMNS, as_json=as_json)


@command.command("retention")
@click.option("--tenant", metavar="TENANT", type=Name(), required=True, help="The tenant's id or name.")
@click.option(
    "--set",
    "values",
    metavar="NAME=DAYS",
    type=PeriodValue(),
    multiple=True,
    help="Days of its own, as completed=30 or completed=forever; completed=default takes them away. Several times.",
)
@json_option
def retention(tenant: str, values: "tuple[tuple[Kept, int | None, bool], ...]", *, as_json: bool) -> None:
    """Show for how long what is kept of a tenant; with --set, change it first. Workers remove what is over."""
    defaults = read_settings().kept
    with pruning() as records:
        if values:
            own = {kept: days for kept, days, is_default in values if not is_default}
            default = frozenset(kept for kept, _, is_default in values if is_default)
            records.set_retention(tenant, own, default - own.keys())
        shown = _describe_retention(defaults, records.retention(tenant))
    print_records(shown, RETENTION_COLUMNS, as_json=as_json)


def _describe_retention(defaults: "Retention", own: "Retention") -> list[Record]:
    return [
        {"kept": str(kept), "days": {**defaults, **own}[kept], "of_its_own": kept in own, "of": kept.value.of}
        for kept in defaults
    ]


def _describe_limit(known: "LimitInUse") -> Record:
    return {
        "limit": str(known.limit),
        "value": known.value,
        "used": known.used,
        "unit": known.limit.value.unit or None,
        "of_its_own": known.own,
        "limits": known.limit.value.of,
    }


def _describe(tenant: "Tenant") -> Record:
    return {"id": tenant.tenant, "name": tenant.name, "created_at": tenant.created_at}
