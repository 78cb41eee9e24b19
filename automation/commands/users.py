"""``automation users``: whom API keys belong to, and what they may do."""

from typing import TYPE_CHECKING

import click

from automation.commands.arguments import Email, Name
from automation.commands.environment import administration
from automation.commands.output import Record, json_option, print_record, print_records
from automation.domain.permissions import Role

if TYPE_CHECKING:
    from automation.storage.accounts.accounts import User

COLUMNS = ("id", "email", "roles", "active", "tenant", "created_at")


@click.group("users")
def command() -> None:
    """Create, deactivate and list the users of tenants."""


@command.command("create")
@click.option("--tenant", metavar="TENANT", type=Name(), required=True, help="The tenant's id or name.")
@click.option("--email", type=Email(), required=True, help="The user's e-mail address.")
@click.option("--role", type=click.Choice(tuple(role.value for role in Role)), required=True, help="What the user may.")
@json_option
def create(tenant: str, email: str, role: str, *, as_json: bool) -> None:
    """Create a user of a tenant."""
    with administration() as records:
        user = records.create_user(tenant, email, Role(role))
    print_record(_describe(user), as_json=as_json)


@command.command("deactivate")
@click.option("--tenant", metavar="TENANT", type=Name(), required=True, help="The tenant's id or name.")
@click.option(
    "--email", "--user", "user", metavar="USER", type=Name(), required=True, help="The user's e-mail address or id."
)
@json_option
def deactivate(tenant: str, user: str, *, as_json: bool) -> None:
    """Make a user inactive: none of its keys is accepted any more."""
    with administration() as records:
        deactivated = records.deactivate_user(tenant, user)
    print_record(_describe(deactivated), as_json=as_json)


@command.command("list")
@click.option("--tenant", metavar="TENANT", type=Name(), help="Only this tenant's users, by its id or name.")
@json_option
def list_(tenant: str | None, *, as_json: bool) -> None:
    """List users by tenant and e-mail address."""
    with administration() as records:
        tenants = [tenant] if tenant else [each.tenant for each in records.list_tenants()]
        users = [user for each in tenants for user in records.list_users(each)]
    print_records([_describe(user) for user in users], COLUMNS, as_json=as_json)


def _describe(user: "User") -> Record:
    return {
        "id": user.user,
        "tenant": user.tenant,
        "email": user.email,
        "roles": user.roles,
        "active": user.active,
        "created_at": user.created_at,
    }
