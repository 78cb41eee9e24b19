"""Counts of what a tenant keeps: equal to what is there, whatever was stored, changed or removed before.

Triggers count: count_stored_v1 and count_removed_executions_v1.
"""

from datetime import timedelta

import psycopg

from automation.domain.executions import ExecutionStatus
from automation.domain.labels import MadeLabels
from automation.domain.repetition import Answer, RepeatableRequest
from automation.domain.rules import RuleVersion
from automation.storage.answers import Answers
from automation.storage.pool.database import Database
from automation.storage.runs import ActionDone
from tests.storage.runner import Runner, entry, told
from tests.storage.samples import Sample, a_content

KEPT = """
SELECT 'max_rules', count(*) FROM automation_rules WHERE tenant = %(tenant)s AND deleted_at IS NULL
UNION ALL SELECT 'max_rule_versions', count(*) FROM automation_rule_versions WHERE tenant = %(tenant)s
UNION ALL SELECT 'max_answer_bytes', coalesce(sum(octet_length(body)), 0)
FROM idempotency_records WHERE tenant = %(tenant)s
UNION ALL SELECT 'max_stored_bytes', sum(bytes) FROM (
    SELECT pg_column_size(trigger_config) + pg_column_size(conditions) + pg_column_size(actions) AS bytes
    FROM automation_rule_versions WHERE tenant = %(tenant)s
    UNION ALL SELECT coalesce(pg_column_size(trigger_data), 0) + results_bytes + log_bytes
    FROM automation_executions WHERE tenant = %(tenant)s AND completed_at IS NOT NULL
    UNION ALL SELECT coalesce(pg_column_size(trigger_data), 0) + coalesce(log_bytes, 0)
    FROM automation_execution_attempts WHERE tenant = %(tenant)s) stored
"""
COUNTED = """
SELECT name, sum(used) FROM tenant_usage WHERE tenant = %(tenant)s AND day = 'epoch' GROUP BY name
"""


def found(runner: Runner, query: str) -> dict[str, int]:
    """Return amounts by their names, without those of nothing."""
    with psycopg.connect(runner.urls.admin) as admin:
        rows = admin.execute(query.encode(), {"tenant": runner.tenant}).fetchall()
    return {name: int(amount) for name, amount in rows if amount}


def counted(runner: Runner) -> dict[str, int]:
    """Return what is counted, which is what is there."""
    amounts = found(runner, COUNTED)
    assert amounts == found(runner, KEPT)
    return amounts


async def test_rules_and_their_versions(runner: Runner) -> None:
    seen = [counted(runner)]

    rule = await runner.rule(conditions=({"field": "trigger.total", "operator": "greater_than", "value": 1.5},))
    seen.append(counted(runner))
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="Another"))
    seen.append(counted(runner))
    await runner.rules.delete(runner.tenant, rule.rule_id)
    seen.append(counted(runner))
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("DELETE FROM automation_rules WHERE rule_id = %s", (rule.rule_id,))
    counted(runner)

    assert [each["max_rules"] - seen[0]["max_rules"] for each in seen] == [0, 1, 1, 0]
    assert [each["max_rule_versions"] - seen[0]["max_rule_versions"] for each in seen] == [0, 1, 2, 2]


async def test_executions_and_their_attempts(runner: Runner) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule, note="x" * 500)
    claim = await runner.claimed(execution)
    await runner.runs.write(claim, ActionDone(index=0, result={"n": "y" * 300}, failed=False), logs=told(entry("one")))
    counted(runner)
    await runner.runs.finish(claim, ExecutionStatus.FAILED, failed_action_index=1, logs=told(entry("two"), first=2))
    counted(runner)

    for trigger in (None, {"note": "z" * 700}):
        await runner.executions.retry(runner.tenant, execution, retry_from="failed_action", trigger_data=trigger)
        counted(runner)
        await runner.executions.cancel(runner.tenant, execution)
        counted(runner)
    bare = await runner.executions.create(runner.tenant, runner.sample.user, rule.rule_id, trigger_data=None)
    await runner.executions.cancel(runner.tenant, bare.execution_id)
    counted(runner)

    await runner.executions.retry(runner.tenant, bare.execution_id, retry_from="start")
    counted(runner)
    await runner.executions.cancel(runner.tenant, bare.execution_id)
    counted(runner)

    for each in (execution, bare.execution_id):
        await runner.executions.delete(runner.tenant, each)
        counted(runner)


async def test_who_changes_something_of_another_tenant_is_his_own_afterwards(runner: Runner, theirs: Sample) -> None:
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("SELECT set_config('app.tenant', %s, true)", (str(theirs.tenant),))
        admin.execute("UPDATE automation_rules SET deleted_at = now() WHERE tenant = %s", (runner.tenant,))
        scope = admin.execute("SELECT current_setting('app.tenant')").fetchone()

    assert scope == (str(theirs.tenant),)
    counted(runner)


async def test_answers(runner: Runner, database: Database) -> None:
    async def kept(key: str, body: bytes, *, days: int) -> None:
        async def do() -> Answer:
            return Answer(200, (), body)

        request = RepeatableRequest(runner.tenant, runner.sample.user, key, (b"d" * 32,))
        await Answers(database, kept=timedelta(days=days), largest=100).once(request, do)

    amounts = []
    for key, body, days in (("one", b"12345", 1), ("two", b"1234567", 0), ("two", b"x", 1), ("large", b"x" * 101, 1)):
        await kept(key, body, days=days)
        amounts.append(counted(runner).get("max_answer_bytes"))
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("DELETE FROM idempotency_records WHERE tenant = %s", (runner.tenant,))
    amounts.append(counted(runner).get("max_answer_bytes"))

    assert amounts == [5, 12, 6, 6, None]


async def test_what_is_told_as_an_execution_is_created_is_counted_from_nothing(runner: Runner) -> None:
    rule = await runner.rule(labels={"a": "${trigger.a}"})

    async def told_of(*labels: str) -> tuple[int, int, list[int]]:
        async def make(_version: RuleVersion) -> MadeLabels:
            return MadeLabels(labels={}, left_out=dict.fromkeys(labels, "it is empty"))

        created = await runner.executions.create(
            runner.tenant, runner.sample.user, rule.rule_id, trigger_data={}, make_labels=make
        )
        row = runner.row(created.execution_id)
        with psycopg.connect(runner.urls.admin) as admin:
            sequences = admin.execute(
                "SELECT array_agg(sequence ORDER BY sequence) FROM automation_execution_logs WHERE execution_id = %s",
                (created.execution_id,),
            ).fetchone()
        return row["log_entries"], row["log_bytes"], (sequences or [[]])[0]

    entries, size, sequences = await told_of("a")

    assert (entries, sequences) == (1, [0])
    assert await told_of("a", "b") == (2, 2 * size, [0, 1])
