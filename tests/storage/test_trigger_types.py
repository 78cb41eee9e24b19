"""Trigger types as filters: an execution has that of the version which it runs, whatever its rule became since."""

import pytest

from automation.domain.executions import ExecutionFilter
from automation.domain.pages import PageRequest
from automation.domain.rules import TriggerType
from automation.storage.execution_list import ExecutionList
from automation.storage.pool.database import Database
from tests.storage.runner import Runner
from tests.storage.samples import a_content


@pytest.mark.parametrize(("wanted", "found"), [("manual", 0), ("webhook", 1), ("event", None)])
async def test_an_execution_is_found_by_the_trigger_type_of_its_version(
    runner: Runner, database: Database, wanted: str, found: int | None
) -> None:
    rule = await runner.rule()
    before = await runner.execute(rule)
    changed = a_content(trigger_type=TriggerType.WEBHOOK)
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, changed)
    after = await runner.execute(rule)

    of_it = ExecutionFilter(automation_rule_id=(rule.rule_id,), trigger_type=wanted)
    page = await ExecutionList(database).page(runner.tenant, of_it, PageRequest(5))

    assert [each.execution_id for each in page.items] == ([] if found is None else [(before, after)[found]])
