"""Changes that are begun anew because a rule or a run changed meanwhile: they end, however often that happens."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.errors import Unavailable
from automation.domain.labels import MadeLabels
from automation.domain.rules import RuleVersion
from automation.storage.executions import Executions
from automation.storage.migrations import functions
from automation.storage.pool.database import Database
from automation.storage.turns import MOST_TURNS
from tests.storage.published import a_waiting_rule, an_event, known, publish
from tests.storage.runner import Runner

# Loops without a bound of their own, and what ends them.
UNBOUNDED_LOOPS = {
    "others_wait_v1": "each round goes on after the tenant of the round before, p_tenants at the most",
    "serve_turn_v1": "each round removes a job, and the hundredth is the last",
}


async def test_a_rule_that_changes_each_time_its_labels_are_made_keeps_nobody_for_ever(runner: Runner) -> None:
    rule = await runner.rule(labels={"order": "${trigger.type}"})
    asked: list[int] = []

    async def labels(found: RuleVersion) -> MadeLabels:
        """Change the rule each time that it is looked at."""
        asked.append(found.version)
        changed = replace(found.content, labels={f"kind{found.version}": "${trigger.type}"})
        await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, changed)
        return MadeLabels(labels={}, left_out={})

    with pytest.raises(Unavailable, match="was being changed"):
        await runner.executions.create(
            runner.tenant, runner.sample.user, rule.rule_id, trigger_data={}, make_labels=labels
        )

    assert asked == list(range(1, MOST_TURNS + 1))
    assert runner.jobs() == []


async def test_a_rule_that_changes_each_time_its_input_is_checked_keeps_no_retry_for_ever(
    runner: Runner, database: Database
) -> None:
    schema = {"type": "object"}
    rule = await runner.rule()
    execution = await runner.failed(execution=await runner.execute(rule))
    content = replace(rule.content, input_schema=schema)
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, content)
    asked: list[int] = []

    async def require(_tenant: UUID, rule_id: UUID, version: int, _schema: object, _data: Mapping[str, Any]) -> None:
        """Change the rule each time that it is looked at."""
        asked.append(version)
        _next_version(runner, rule_id)

    executions = Executions(database, require_input=require)

    with pytest.raises(Unavailable, match="was being changed"):
        await executions.retry(runner.tenant, execution, retry_from="start", rule_version="latest")

    assert asked == list(range(2, MOST_TURNS + 2))
    assert await runner.status(execution) == "failed"


@pytest.mark.parametrize("outcome", ["labels_wanted", "postpones"])
async def test_an_event_whose_rules_change_each_time_keeps_nobody_for_ever(
    runner: Runner, database: Database, outcome: str
) -> None:
    await a_waiting_rule(runner)
    _always_answers(runner, outcome)

    with pytest.raises(Unavailable, match="was being changed"):
        await publish(database, runner, an_event())

    assert (runner.jobs(), known(runner)) == ([], [])


def test_every_loop_of_a_function_has_a_bound() -> None:
    found = {
        path.stem
        for path in functions.DIRECTORY.glob("*.sql")
        if re.search(r"^ *(?:<<\w+>> *)?LOOP\b", _without_heads(path.read_text()), re.MULTILINE)
    }

    assert found == set(UNBOUNDED_LOOPS)


def _without_heads(text: str) -> str:
    """Return a function without the loops that go over rows, an array or numbers, or count to a limit."""
    return re.sub(
        r"\b(?:FOR|FOREACH)\b(?:(?!;|\bLOOP\b).)*\bLOOP\b|\bWHILE \w+ < \d+ (?:(?!;).)*?\bLOOP\b",
        "",
        text,
        flags=re.DOTALL,
    )


def _next_version(runner: Runner, rule_id: UUID) -> None:
    """Give a rule another version that says the same."""
    with psycopg.connect(runner.urls.admin) as admin:
        columns = admin.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_name = 'automation_rule_versions' AND column_name <> 'version'"
        ).fetchone()
        assert columns is not None
        admin.execute(
            f"INSERT INTO automation_rule_versions ({columns[0]}, version) SELECT {columns[0]}, version + 1"
            f" FROM automation_rule_versions WHERE rule_id = %s ORDER BY version DESC LIMIT 1".encode(),
            (rule_id,),
        )
        admin.execute("UPDATE automation_rules SET version = version + 1 WHERE rule_id = %s", (rule_id,))


def _always_answers(runner: Runner, outcome: str) -> None:
    """Have the database answer the same to whoever wants to create an execution."""
    text = (functions.DIRECTORY / "create_execution_v1.sql").read_text()
    head = text[text.index("CREATE FUNCTION") : text.index("BEGIN\n")]
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            f"{head.replace('CREATE', 'CREATE OR REPLACE', 1)}"
            f"BEGIN outcome := '{outcome}'; execution_id := p_execution; RETURN NEXT; END $$".encode()
        )
