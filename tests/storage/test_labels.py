"""Labels: where an execution has them from, that they stay as they are, and that an index has the same."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.errors import InvalidBody
from automation.domain.labels import MadeLabels
from automation.domain.rules import Rule, RuleVersion
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import a_content


async def labelled(runner: Runner, rule: Rule, labels: Mapping[str, str], **how: Any) -> UUID:
    created = await runner.executions.create(
        runner.tenant,
        runner.sample.user,
        rule.rule_id,
        trigger_data={},
        override_conditions=False,
        labels=labels,
        **how,
    )
    return created.execution_id


def found(urls: DatabaseUrls, execution: UUID) -> dict[str, str]:
    """Return the labels that an execution is found by."""
    with psycopg.connect(urls.admin) as admin:
        rows = admin.execute(
            "SELECT l.key, l.value FROM automation_execution_labels l"
            " JOIN automation_executions e USING (tenant, execution_id, created_at) WHERE execution_id = %s",
            (execution,),
        )
        return dict(rows.fetchall())


async def test_an_execution_has_its_rules_labels_and_its_own_which_win(
    runner: Runner, database_urls: DatabaseUrls
) -> None:
    rule = await runner.rule(labels={"env": "test", "team": "billing"})

    execution = await labelled(runner, rule, {"env": "prod", "order": "Ä 1"})

    expected = {"env": "prod", "team": "billing", "order": "Ä 1"}
    assert (await runner.document(execution))["labels"] == expected
    assert found(database_urls, execution) == expected


async def test_an_execution_without_labels_has_none(runner: Runner, database_urls: DatabaseUrls) -> None:
    execution = await runner.execute()

    assert (await runner.document(execution))["labels"] == {}
    assert found(database_urls, execution) == {}


async def test_a_retry_keeps_the_labels(runner: Runner, database_urls: DatabaseUrls) -> None:
    rule = await runner.rule(labels={"env": "test"})
    execution = await runner.failed(execution=await labelled(runner, rule, {"order": "1"}))
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(labels={"env": "prod"}))

    await runner.executions.retry(
        runner.tenant, execution, retry_from="start", rule_version="latest", trigger_data={"order": 2}
    )

    assert (await runner.document(execution))["labels"] == {"env": "test", "order": "1"}
    assert found(database_urls, execution) == {"env": "test", "order": "1"}


async def test_a_rules_labels_and_an_executions_are_20_together(runner: Runner) -> None:
    rule = await runner.rule(labels={f"rule-{number}": "x" for number in range(12)})

    execution = await labelled(runner, rule, {f"own-{number}": "x" for number in range(8)})
    with pytest.raises(InvalidBody) as refused:
        await labelled(runner, rule, {f"own-{number}": "x" for number in range(9)})

    assert len((await runner.document(execution))["labels"]) == 20
    assert [violation.pointer for violation in refused.value.violations] == ["/labels"]


async def test_what_is_put_into_labels_is_made_of_the_version_that_runs(runner: Runner) -> None:
    rule = await runner.rule(labels={"order": "${trigger.order}", "version": "one"})
    asked: list[int] = []

    async def make(version: RuleVersion) -> MadeLabels:
        asked.append(version.version)
        assert version.content.labels["order"] == "${trigger.order}"
        if len(asked) == 1:
            content = a_content(labels={"order": "${trigger.order}", "version": "two"})
            await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, content)
        return MadeLabels(labels={**version.content.labels, "order": "7"}, left_out={})

    execution = await labelled(runner, rule, {}, make_labels=make)

    assert asked == [1, 2]
    document = await runner.document(execution)
    assert (document["rule_version"], document["labels"]) == (2, {"order": "7", "version": "two"})
    assert "logs" not in document


async def test_a_label_that_could_not_be_made_is_told_in_the_log(runner: Runner) -> None:
    rule = await runner.rule(labels={"order": "${trigger.order}"})

    async def make(_: RuleVersion) -> MadeLabels:
        return MadeLabels(labels={}, left_out={"order": "trigger.order has no value"})

    execution = await labelled(runner, rule, {}, make_labels=make)
    claim = await runner.claimed(execution)

    document = await runner.document(execution)
    assert document["labels"] == {}
    assert [(entry["level"], entry["message"]) for entry in document["logs"]] == [
        ("warn", "The label order was left out: trigger.order has no value."),
        ("info", "Attempt 1 started with version 1 of the rule."),
    ]
    assert claim.execution.trigger_data == {}
