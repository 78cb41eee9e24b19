"""``automation tenants limits``: what a tenant may use, shown and changed."""

from collections.abc import Mapping
from typing import Any

import pytest

from automation.domain.limits import DEFAULTS, Limit
from automation.storage.accounts.administration import Administration
from tests.commands.terminal import assert_refused, call, document

LIMITS = ("tenants", "limits", "--tenant", "acme")


@pytest.fixture(autouse=True)
def acme(administration: Administration) -> None:
    """A tenant, acme."""
    administration.create_tenant("acme")


def values(shown: list[dict[str, Any]]) -> dict[str, object]:
    """Return the value of each limit."""
    return {each["limit"]: each["value"] for each in shown}


def own(shown: list[dict[str, Any]]) -> list[str]:
    """Return the limits that are the tenant's own."""
    return [each["limit"] for each in shown if each["of_its_own"]]


def test_a_tenant_without_limits_of_its_own_has_the_defaults(settings: Mapping[str, str]) -> None:
    shown = document(*LIMITS, settings=settings)

    assert values(shown) == {str(limit): DEFAULTS.get(limit) for limit in Limit}
    assert own(shown) == []


def test_the_settings_change_the_defaults(settings: Mapping[str, str]) -> None:
    shown = document(*LIMITS, settings={**settings, "AUTOMATION_TENANT_LIMITS": "max_pending=7, max_running=2"})

    assert (values(shown)["max_pending"], values(shown)["max_running"]) == (7, 2)
    assert own(shown) == []


def test_several_are_set_at_once_and_one_goes_back_to_its_default(settings: Mapping[str, str]) -> None:
    document(*LIMITS, "--set", "max_pending=500", "--set", "weight=20", settings=settings)

    changed = document(*LIMITS, "--set", "weight=default", "--set", "max_pending=600", settings=settings)

    assert changed == document(*LIMITS, settings=settings)
    assert own(changed) == ["max_pending"]
    assert (values(changed)["max_pending"], values(changed)["weight"]) == (600, 10)


def test_they_are_one_tenants(settings: Mapping[str, str], administration: Administration) -> None:
    administration.create_tenant("globex")

    document(*LIMITS, "--set", "max_pending=500", settings=settings)

    assert own(document("tenants", "limits", "--tenant", "globex", settings=settings)) == []


@pytest.mark.parametrize("given", ["max_pendings=5", "max_pending=none", "max_pending=0", "weight=1000", "weight"])
def test_what_is_no_limit_is_refused(settings: Mapping[str, str], given: str) -> None:
    assert_refused(call(*LIMITS, "--set", given, settings=settings), "--set", given.partition("=")[0])
