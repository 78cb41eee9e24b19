"""Pages of every list, from each place on and back from it, with what stands there and without."""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from automation.domain.audit import AuditFilter
from automation.domain.bulk_operations import BulkAction, BulkOrder
from automation.domain.executions import ExecutionFilter
from automation.domain.limits import Limit
from automation.domain.pages import Cursor, Page, PageRequest, Total
from automation.domain.principal import Principal
from automation.domain.rules import RuleFilter
from automation.storage.audit_log import AuditLog
from automation.storage.bulk_operations import BulkOperations
from automation.storage.execution_list import ExecutionList
from automation.storage.pool.database import Database
from automation.storage.rule_list import RuleList
from automation.storage.rule_versions import RuleVersions
from automation.storage.secrets.secrets import Secrets
from tests.secret_keys import KEYRING
from tests.storage.runner import Runner
from tests.storage.samples import a_content

ITEMS = 5
Read = Callable[[PageRequest], Awaitable[Page[Any]]]
List = Callable[[Runner, Database], Awaitable[Read]]


async def executions(runner: Runner, database: Database) -> Read:
    rule = await runner.rule()
    for _ in range(ITEMS):
        await runner.execute(rule)
    wanted = ExecutionFilter(automation_rule_id=(rule.rule_id,))
    return lambda request: ExecutionList(database).page(runner.tenant, wanted, request)


async def rules(runner: Runner, database: Database) -> Read:
    for _ in range(ITEMS):
        await runner.rule()
    return lambda request: RuleList(database).page(runner.tenant, RuleFilter(), request)


async def versions(runner: Runner, database: Database) -> Read:
    rule = await runner.rule()
    for number in range(ITEMS):
        changed = a_content(name=f"version {number}")
        await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, changed)
    return lambda request: RuleVersions(database).page(runner.tenant, rule.rule_id, request)


async def secrets(runner: Runner, database: Database) -> Read:
    kept = Secrets(database, KEYRING)
    for number in range(ITEMS):
        await kept.put(runner.tenant, runner.sample.user, f"S{number}", "a value of a secret")
    return lambda request: kept.page(runner.tenant, request)


async def attempts(runner: Runner, _database: Database) -> Read:
    execution = await runner.execute()
    for _ in range(ITEMS - 1):
        await runner.executions.cancel(runner.tenant, execution)
        await runner.executions.retry(runner.tenant, execution, retry_from="start")
    return lambda request: runner.executions.attempts(runner.tenant, execution, request)


async def refusals(runner: Runner, database: Database) -> Read:
    operations = BulkOperations(database)
    asking = Principal(runner.tenant, runner.sample.user, frozenset(), "ak_00000000")
    order, total = BulkOrder(action=BulkAction.CANCEL), Total(ITEMS, exact=True)
    begun = await operations.begin(asking, order, ExecutionFilter(), total, "")
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_bulk_refusals (tenant, bulk_operation_id, number, execution_id, code, detail)"
            " SELECT %s, %s, n, gen_random_uuid(), 'a_code', '' FROM generate_series(1, %s) n",
            (runner.tenant, begun.bulk_operation_id, ITEMS),
        )
    return lambda request: operations.refusals(runner.tenant, begun.bulk_operation_id, request)


async def audit_log(runner: Runner, database: Database) -> Read:
    for number in range(ITEMS):
        runner.sample.administration.set_limits(runner.tenant, {Limit.WEIGHT: 1 + number})
    return lambda request: AuditLog(database).page(runner.tenant, AuditFilter(), request)


BOTH_ORDERS: list[tuple[List, bool]] = [
    *((made, False) for made in (executions, rules, versions, secrets, audit_log)),
    *((made, True) for made in (executions, rules, attempts, refusals, audit_log)),
]


@pytest.mark.parametrize(("made", "ascending"), BOTH_ORDERS, ids=lambda value: getattr(value, "__name__", value))
async def test_a_page_has_what_stands_on_its_side_of_a_place_and_leads_to_the_rest(
    runner: Runner, database: Database, made: List, *, ascending: bool
) -> None:
    read = await made(runner, database)
    everything = list((await read(PageRequest(100, ascending=ascending))).items)
    places = [(await read(PageRequest(number, ascending=ascending))).next for number in range(1, len(everything))]
    assert len(everything) >= ITEMS

    for at, place in enumerate(places):
        assert place is not None
        for backward in (False, True):
            for inclusive in (False, True):
                cursor = Cursor(place.position, backward=backward, inclusive=inclusive)
                page = await read(PageRequest(2, ascending=ascending, cursor=cursor))
                begins = at + (1 - inclusive) if not backward else max(0, at - 2 + inclusive)
                ends = begins + 2 if not backward else at + inclusive
                assert list(page.items) == everything[begins:ends]
                assert (page.next is None) == (not backward and ends >= len(everything))
                assert (page.previous is None) == (backward and begins == 0)
