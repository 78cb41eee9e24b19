"""Answers of the database's functions that count and look for others: what counts among them, and what does not."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from automation.domain.rules import ConcurrencyPolicy
from tests.storage.locks import Transaction, somebody_else
from tests.storage.runner import Runner

RUN = "UPDATE automation_executions SET {} WHERE execution_id = %(execution)s"
OLDER = "UPDATE automation_executions SET {} WHERE execution_id = %(older)s"
RULE = "UPDATE automation_rules SET {} WHERE tenant = %(tenant)s AND rule_id = %(rule)s"
USED = """
INSERT INTO tenant_usage (tenant, name, shard, day, used)
VALUES (%(tenant)s, '{}', 7, (now() AT TIME ZONE 'UTC')::date - {}, 5)
"""
GRANTED = (
    "INSERT INTO rate_windows (tenant, subject, began_at, granted) VALUES (%(tenant)s, '{}', now() - interval '{}', 5)"
)
OWN = "INSERT INTO tenant_limits (tenant, name, value) VALUES (%(tenant)s, '{}', 9)"
RUNNING = (
    "SELECT ARRAY[running_executions_v1(%(tenant)s, %(rule)s, NULL), running_executions_v1(%(tenant)s, %(rule)s, 'k')]"
)
WAITING = """
SELECT ARRAY(
    SELECT CASE w.execution_id WHEN %(older)s::uuid THEN 'older' ELSE 'other' END
    FROM waiting_executions_v1(%(tenant)s, %(rule)s, {key}, {most}) WITH ORDINALITY w
    ORDER BY w.ordinality)
"""
BOTH_WAIT = RUN.format("status = 'pending', lease_until = NULL, queued_at = now() - interval '{}'{}")
MARK = "SELECT mark_rule_error_v1(%(tenant)s, %(rule)s, {}, 'a reason')"
MARKED = (
    "SELECT concat_ws(' ', status, status_reason, updated_at = now()) FROM automation_rules WHERE rule_id = %(rule)s"
)
LIMITED = "SELECT lock_limited_rule_v1(%(tenant)s, %(execution)s) = %(rule)s"
USES = "SELECT u.used FROM tenant_usage_v1(%(tenant)s) u WHERE u.name = '{}'"
TENANTS_OWN = "SELECT u.own FROM tenant_usage_v1(%(tenant)s) u WHERE u.name = '{}'"

# What is done before, what is asked then, and the answer.
CASES: dict[str, tuple[list[str], str, object]] = {
    "one that runs counts without a key": ([], RUNNING, [1, 0]),
    "and under its own": ([RUN.format("concurrency_key = 'k'")], RUNNING, [0, 1]),
    "and under no other": ([RUN.format("concurrency_key = 'l'")], RUNNING, [0, 0]),
    "one that has ended does not": ([RUN.format("status = 'failed', lease_until = NULL")], RUNNING, [0, 0]),
    "one that is pending waits": ([], WAITING.format(key="NULL", most=9), ["older"]),
    "under its own key": ([OLDER.format("concurrency_key = 'k'")], WAITING.format(key="'k'", most=9), ["older"]),
    "under no other": ([OLDER.format("concurrency_key = 'l'")], WAITING.format(key="'k'", most=9), []),
    "under a key not without one": ([OLDER.format("concurrency_key = 'k'")], WAITING.format(key="NULL", most=9), []),
    "one that begins later does not wait yet": (
        [OLDER.format("queued_at = now() + interval '1 h'")],
        WAITING.format(key="NULL", most=9),
        [],
    ),
    "under a key it does not wait yet either": (
        [OLDER.format("concurrency_key = 'k', queued_at = now() + interval '1 h'")],
        WAITING.format(key="'k'", most=9),
        [],
    ),
    "the oldest waits first": ([BOTH_WAIT.format("1 h", "")], WAITING.format(key="NULL", most=9), ["other", "older"]),
    "and alone where no more are asked for": (
        [BOTH_WAIT.format("1 h", "")],
        WAITING.format(key="NULL", most=1),
        ["other"],
    ),
    "under a key as well": (
        [OLDER.format("concurrency_key = 'k'"), BOTH_WAIT.format("1 h", ", concurrency_key = 'k'")],
        WAITING.format(key="'k'", most=1),
        ["other"],
    ),
    "a rule has an error": ([MARK.format(1)], MARKED, "error a reason t"),
    "of this version": ([MARK.format(2)], MARKED, "active f"),
    "unless it is deleted": ([RULE.format("deleted_at = now()"), MARK.format(1)], MARKED, "active f"),
    "and the first one stays": (
        [RULE.format("status = 'error', status_reason = 'the first'"), MARK.format(1)],
        MARKED,
        "error the first f",
    ),
    "a rule with a limit is told": ([], LIMITED, True),
    "one without is not": ([RULE.format("max_concurrent_executions = NULL")], LIMITED, None),
    "what a worker has runs": ([], USES.format("max_running"), 1),
    "what nobody has does not": ([RUN.format("lease_until = NULL")], USES.format("max_running"), 0),
    "nor what has ended": ([RUN.format("status = 'failed'")], USES.format("max_running"), 0),
    "what is asked for in a minute counts": ([GRANTED.format("tenant", "59 s")], USES.format("requests_per_minute"), 5),
    "not what was before": ([GRANTED.format("tenant", "60 s")], USES.format("requests_per_minute"), 0),
    "nor what was of a key alone": ([GRANTED.format("a key", "5 s")], USES.format("requests_per_minute"), 0),
    "what is used today counts": ([USED.format("mails_per_day", 0)], USES.format("mails_per_day"), 5),
    "not what was used yesterday": ([USED.format("mails_per_day", 1)], USES.format("mails_per_day"), 0),
    "a limit of its own is told": ([OWN.format("mails_per_day")], TENANTS_OWN.format("mails_per_day"), 9),
    "one that nothing uses as well": ([OWN.format("another")], TENANTS_OWN.format("another"), 9),
    "and no other one": ([OWN.format("another")], TENANTS_OWN.format("mails_per_day"), None),
}


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    """A transaction of which nothing stays."""
    async with somebody_else(runner) as transaction:
        yield transaction
        await transaction.rollback()


async def a_run(runner: Runner) -> dict[str, Any]:
    """Return the names of a tenant, a rule, an execution of it that runs, and one that waits."""
    rule = await runner.rule(max_concurrent_executions=5, concurrency_policy=ConcurrencyPolicy.QUEUE)
    claim = await runner.claimed(await runner.execute(rule))
    older = await runner.execute(rule)
    return {"tenant": runner.tenant, "rule": rule.rule_id, "execution": claim.execution_id, "older": older}


@pytest.mark.parametrize("name", CASES)
async def test_a_function_answers_by_what_counts(runner: Runner, other: Transaction, name: str) -> None:
    prepared, asked, answer = CASES[name]
    named = await a_run(runner)

    await other.execute(b"SELECT set_config('app.tenant', %(tenant)s::text, true)", named)
    for statement in (*prepared, asked):
        cursor = await other.execute(statement.encode(), named)
    row = await cursor.fetchone()

    assert row is not None
    assert row[0] == answer


@pytest.mark.parametrize("limit", [5, None])
async def test_a_rule_with_a_limit_is_held_and_one_without_is_not(
    runner: Runner, other: Transaction, limit: int | None
) -> None:
    named = await a_run(runner)
    async with somebody_else(runner) as third:
        await third.execute(RULE.format("max_concurrent_executions = %(limit)s").encode(), {**named, "limit": limit})

    await other.execute(LIMITED.encode(), named)

    async with somebody_else(runner) as third:
        query = b"SELECT rule_id FROM automation_rules WHERE rule_id = %s FOR NO KEY UPDATE SKIP LOCKED"
        free: list[tuple[UUID]] = await (await third.execute(query, (named["rule"],))).fetchall()  # type: ignore[assignment]
    assert len(free) == (limit is None)
