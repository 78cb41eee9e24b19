"""Reads and changes of what isn't there: another tenant's, and what nobody has, are told in the same way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from automation.domain.bulk_operations import BulkAction, BulkOrder
from automation.domain.errors import (
    AutomationError,
    BulkOperationNotFound,
    ExecutionNotFound,
    RuleNotFound,
    RuleVersionNotFound,
    SecretNotFound,
)
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import PageRequest, Total
from automation.domain.principal import Principal
from automation.domain.statistics import Bucket, Period
from automation.storage.bulk_operations import BulkOperations
from automation.storage.hooks import RuleHooks
from automation.storage.pool.database import Database
from automation.storage.rule_statistics import RuleStatistics
from automation.storage.rule_versions import RuleVersions
from automation.storage.secrets.secrets import Secrets
from tests.secret_keys import KEYRING
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_content

PAGE = PageRequest(5)
DAY = Period(datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC), Bucket.DAY, "UTC")


@dataclass(frozen=True)
class Asked:
    """Whose things are asked for, and by which ids."""

    database: Database
    runner: Runner
    tenant: UUID
    rule: UUID
    execution: UUID
    bulk: UUID
    secret: str


Act = Callable[[Asked], Awaitable[Any]]
ACTS: dict[str, tuple[type[AutomationError], Act]] = {
    "a rule": (RuleNotFound, lambda it: it.runner.rules.get(it.tenant, it.rule)),
    "a rule unless it is known": (RuleNotFound, lambda it: it.runner.rules.get_unless(it.tenant, it.rule, None)),
    "a rule's versions": (RuleNotFound, lambda it: RuleVersions(it.database).page(it.tenant, it.rule, PAGE)),
    "a rule's version": (RuleNotFound, lambda it: RuleVersions(it.database).get(it.tenant, it.rule, 1)),
    "a rule's statistics": (RuleNotFound, lambda it: RuleStatistics(it.database).read(it.tenant, it.rule, DAY)),
    "a rule's change": (
        RuleNotFound,
        lambda it: it.runner.rules.update(it.tenant, it.runner.sample.user, it.rule, a_content(name="Another")),
    ),
    "an execution": (ExecutionNotFound, lambda it: it.runner.executions.read(it.tenant, it.execution)),
    "its attempts": (ExecutionNotFound, lambda it: it.runner.executions.attempts(it.tenant, it.execution, PAGE)),
    "its cancel": (ExecutionNotFound, lambda it: it.runner.executions.cancel(it.tenant, it.execution)),
    "its retry": (
        ExecutionNotFound,
        lambda it: it.runner.executions.retry(it.tenant, it.execution, retry_from="start"),
    ),
    "its removal": (ExecutionNotFound, lambda it: it.runner.executions.delete(it.tenant, it.execution)),
    "a bulk operation": (BulkOperationNotFound, lambda it: BulkOperations(it.database).get(it.tenant, it.bulk)),
    "its refusals": (
        BulkOperationNotFound,
        lambda it: BulkOperations(it.database).refusals(it.tenant, it.bulk, PAGE),
    ),
    "a secret": (SecretNotFound, lambda it: Secrets(it.database, KEYRING).get(it.tenant, it.secret)),
    "a secret's removal": (SecretNotFound, lambda it: Secrets(it.database, KEYRING).delete(it.tenant, it.secret)),
}


@pytest.fixture
async def ours_all(runner: Runner, database: Database) -> Asked:
    """One of everything, whose execution is cancelled, so that every change of it can be made."""
    rule = await runner.rule()
    execution = await runner.execute(rule)
    await runner.executions.cancel(runner.tenant, execution)
    asking = Principal(runner.tenant, runner.sample.user, frozenset(), "ak_00000000")
    order = BulkOrder(action=BulkAction.CANCEL)
    bulk = await BulkOperations(database).begin(asking, order, ExecutionFilter(), Total(0, exact=True), "")
    await Secrets(database, KEYRING).put(runner.tenant, runner.sample.user, "OURS", "a value of a secret")
    return Asked(database, runner, runner.tenant, rule.rule_id, execution, bulk.bulk_operation_id, "OURS")


@pytest.mark.parametrize("name", ACTS)
async def test_what_is_anothers_or_nobodys_is_not_found_and_what_is_ours_is(
    ours_all: Asked, theirs: Sample, name: str
) -> None:
    error, act = ACTS[name]
    nobodys = replace(ours_all, rule=uuid4(), execution=uuid4(), bulk=uuid4(), secret="NOBODYS")

    for asked in (replace(ours_all, tenant=theirs.tenant), nobodys):
        with pytest.raises(error):
            await act(asked)
    await act(ours_all)


async def test_a_number_that_no_version_of_a_rule_has_is_not_found(ours_all: Asked) -> None:
    versions = RuleVersions(ours_all.database)

    for number in (0, 2):
        with pytest.raises(RuleVersionNotFound):
            await versions.get(ours_all.tenant, ours_all.rule, number)
    assert await versions.get(ours_all.tenant, ours_all.rule, 1) is not None


async def test_a_hook_is_no_rules_that_is_not_there(ours_all: Asked, theirs: Sample) -> None:
    hooks = RuleHooks(ours_all.database)

    for tenant, rule in ((theirs.tenant, ours_all.rule), (ours_all.tenant, uuid4())):
        with pytest.raises(RuleNotFound):
            await hooks.rotate(tenant, rule, 0.0)
