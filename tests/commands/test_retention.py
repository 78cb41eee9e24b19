"""``automation tenants retention`` and ``automation executions prune``: what is kept, and what is over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from automation.domain.executions import ExecutionStatus
from automation.storage.accounts.administration import Administration
from tests.commands.terminal import assert_refused, call, document
from tests.storage.samples import CREATED_AT, Sample, sample


@pytest.fixture
def ours(administration: Administration) -> Sample:
    """A tenant with two executions that completed long ago, and one that failed then."""
    made = sample(administration)
    for n, status in enumerate((ExecutionStatus.COMPLETED, ExecutionStatus.COMPLETED, ExecutionStatus.FAILED)):
        at = CREATED_AT + timedelta(seconds=n)
        made.add_execution(status=status, created_at=at, completed_at=at)
    return made


def shown(records: list[dict[str, Any]]) -> dict[str, tuple[object, object]]:
    """Return the days of each, and whether they are the tenant's own."""
    return {each["kept"]: (each["days"], each["of_its_own"]) for each in records}


def counts(records: list[dict[str, Any]]) -> dict[str, int]:
    """Return what would be removed, or was."""
    return {each["kept"]: each["removed"] for each in records}


def test_a_tenant_has_the_defaults_and_days_of_its_own(ours: Sample, settings: Mapping[str, str]) -> None:
    command = ("tenants", "retention", "--tenant", str(ours.tenant))
    changed = {**settings, "AUTOMATION_RETENTION": "completed=30, failed=90"}

    document(*command, "--set", "failed=7", "--set", "skipped=1", "--set", "audit_events=forever", settings=settings)
    found = shown(document(*command, "--set", "skipped=default", settings=changed))

    assert found["completed"] == (30, False)
    assert found["failed"] == (7, True)
    assert found["skipped"] == (None, False)
    assert found["audit_events"] == (None, True)


def test_a_dry_run_counts_and_a_run_removes(ours: Sample, settings: Mapping[str, str]) -> None:
    mine = ("--tenant", str(ours.tenant))
    document("tenants", "retention", *mine, "--set", "completed=1", settings=settings)

    dry, wet, again = (
        counts(document("executions", "prune", *mine, *options, settings=settings))
        for options in (("--dry-run",), (), ())
    )

    assert dry == wet == {"completed": 2, "audit_events": 0}
    assert again == {"completed": 0, "audit_events": 0}


def test_without_a_tenant_it_is_about_all(ours: Sample, settings: Mapping[str, str]) -> None:
    found = document("executions", "prune", "--dry-run", settings={**settings, "AUTOMATION_RETENTION": "failed=1"})

    assert [each["removed"] for each in found if each["kept"] == "failed"] == [1]


@pytest.mark.parametrize("value", ["pending=1", "completed=0", "completed=soon", "audit_events=7", "completed"])
def test_what_cannot_be_kept_so_is_refused(ours: Sample, settings: Mapping[str, str], value: str) -> None:
    result = call("tenants", "retention", "--tenant", str(ours.tenant), "--set", value, settings=settings)

    assert_refused(result, "--set", value.partition("=")[0])
