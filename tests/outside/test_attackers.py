"""Schemathesis as somebody who may do nothing, and as one who finds what no one should."""

from pathlib import Path

from automation.domain.permissions import Role
from tests.system.attack import attack, become, dictionaries, of_a_visitor, write_configuration
from tests.system.tenancy import Tenant


def test_a_user_without_permission_finds_nothing(tenant: Tenant, tmp_path: Path) -> None:
    configuration = of_a_visitor(tenant, tmp_path)

    outcome = attack(configuration, str(tenant.client.base_url), "--phases=examples,coverage,fuzzing", examples=50)

    assert outcome.exit_code == 0, outcome.output
    assert outcome.unrefused() == []


def test_a_peer_who_sees_what_is_not_theirs_is_found(tenant: Tenant, tmp_path: Path) -> None:
    """A colleague in the same tenant, passed off as a stranger, sees everything: that must not pass."""
    configuration = write_configuration(tmp_path, dictionaries(tenant))
    users = {"operator": tenant.key, "colleague": tenant.add_key(Role.READER)}
    become(configuration, users, peers=list(users))

    outcome = attack(configuration, str(tenant.client.base_url), "--include-tag=Rules", "--phases=stateful")

    assert outcome.exit_code != 0
    assert "`colleague` received the `AutomationRule` that `operator` owns" in outcome.output, outcome.output
