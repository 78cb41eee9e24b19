"""``automation executions``: what is kept of executions, and removing what is over."""

from typing import TYPE_CHECKING

import click

from automation.commands.arguments import Name
from automation.commands.environment import pruning, read_settings
from automation.commands.output import json_option, print_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automation.domain.retention import Kept

COLUMNS = ("tenant", "kept", "days", "removed")


@click.group("executions")
def command() -> None:
    """Remove executions that have been kept for long enough."""


@command.command("prune")
@click.option("--tenant", metavar="TENANT", type=Name(), help="Only this tenant's, by its id or name.")
@click.option("--dry-run", is_flag=True, help="Only count what would be removed.")
@json_option
def prune(tenant: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Remove what tenants' retention says is over: finished executions, and lines of the audit log.

    Workers do so by themselves, a little at a time; this does it now. What has not ended is never removed.
    """
    defaults = read_settings().kept
    found = []
    with pruning() as records:
        for each in [records.find_tenant(tenant)] if tenant else records.list_tenants():
            periods: Mapping[Kept, int] = {
                kept: days for kept, days in {**defaults, **records.retention(each.tenant)}.items() if days is not None
            }
            if dry_run:
                counted = {kept: records.count_over(each.tenant, kept, days) for kept, days in periods.items()}
            else:
                counted = dict(records.prune(each.tenant, periods))
            found += [
                {"tenant": each.name, "kept": str(kept), "days": periods[kept], "removed": count, "dry_run": dry_run}
                for kept, count in counted.items()
            ]
    print_records(found, COLUMNS, as_json=as_json)
