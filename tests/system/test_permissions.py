"""Permissions are asked of every operation of the contract that isn't public: no handler's test repeats it."""

from uuid import uuid4

import pytest

from automation.contract.document.naming import NO_PERMISSION
from automation.contract.document.outline import Entry
from automation.domain.permissions import ROLE_PERMISSIONS, Permission, Role
from tests.shipped_contract.shipped import ENTRIES
from tests.system.conftest import Service
from tests.system.problems import problem_of

SECURED = [entry for entry in ENTRIES if "x-required-permission" in entry.node]

REQUIRING = [entry for entry in SECURED if entry.node["x-required-permission"] != NO_PERMISSION]

each_requiring_operation = pytest.mark.parametrize("entry", REQUIRING, ids=lambda entry: entry.name)
each_secured_operation = pytest.mark.parametrize("entry", SECURED, ids=lambda entry: entry.name)


def place(entry: Entry) -> tuple[str, str]:
    """Return an operation's method and a path with a parameter that is none: nothing can happen to anything."""
    path = entry.path.replace("{id}", str(uuid4())).replace("{version}", "1").replace("{name}", "NAME")
    return entry.method.upper(), f"{path}?nothing=1"


@each_secured_operation
def test_it_is_refused_without_a_key(service: Service, entry: Entry) -> None:
    response = service.ask(*place(entry), {})

    problem_of(response, 401, "api_key_missing")


@each_requiring_operation
def test_it_is_refused_to_a_user_without_its_permission(service: Service, entry: Entry) -> None:
    response = service.request(*place(entry), key="no_permission")

    document = problem_of(response, 403, "permission_denied")
    assert document["detail"].endswith(f" {entry.node['x-required-permission']}.")


@each_requiring_operation
@pytest.mark.parametrize("role", [Role.READER, Role.OPERATOR])
def test_a_role_may_do_what_its_permissions_say(service: Service, entry: Entry, role: Role) -> None:
    permitted = Permission(entry.node["x-required-permission"]) in ROLE_PERMISSIONS[role]

    response = service.request(*place(entry), key=role.value)

    assert response.status_code == (400 if permitted else 403)


@pytest.mark.parametrize("entry", [each for each in SECURED if each not in REQUIRING], ids=lambda entry: entry.name)
def test_what_requires_no_permission_is_answered_to_whoever_has_a_key(service: Service, entry: Entry) -> None:
    assert entry.method == "get", "what changes something requires a permission"
    assert service.request("GET", entry.path, key="no_permission").status_code == 200


def test_a_reader_changes_nothing() -> None:
    writing = {
        entry.node["x-required-permission"] for entry in SECURED if entry.method in {"delete", "patch", "post", "put"}
    }

    assert not writing & ROLE_PERMISSIONS[Role.READER]
