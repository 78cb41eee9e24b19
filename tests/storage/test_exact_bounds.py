"""Numbers at which functions of the database decide: one more or one less is another answer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from automation.domain.rules import ConcurrencyPolicy
from tests.storage.locks import Transaction, somebody_else
from tests.storage.runner import Runner

LOG = "SELECT {} FROM append_execution_logs_v1(%(tenant)s, %(execution)s, 1, {}, {}, {}, {}, false)"
ENTRY = "jsonb_build_object('timestamp', now(), 'level', 'info', 'message', '{}')"
LENGTH = f"octet_length(({ENTRY.format('one')})::text)"
CALL = "SELECT begin_call_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 3000, 0, %(tenant)s, 1, NULL)"
OF_THE_RULE = """
UPDATE automation_rules SET max_concurrent_executions = {n}, concurrency_policy = '{policy}' WHERE rule_id = %(rule)s
"""
ADMIT = "SELECT admit_execution_v1(%(tenant)s, %(rule)s, %(execution)s)"
RUNNING = "UPDATE automation_executions SET status = 'running' WHERE execution_id = %(older)s"
SET = "UPDATE automation_executions SET {} WHERE execution_id = %(execution)s"
PENDING = SET.format("status = 'pending', lease_until = NULL")
STATUS = "SELECT status FROM automation_executions WHERE execution_id = %(execution)s"

# What is done before, what is asked then, and the answers, by the number that stands for n.
BOUNDS: dict[str, tuple[list[str], str, dict[int, object]]] = {
    "as many entries of a part are stored already as the log has from its place on": (
        [],
        LOG.format("entries", "{n}", f"jsonb_build_array({ENTRY.format('one')}, {ENTRY.format('two')})", 5, 0),
        {6: 7, 5: 7, 4: 6, 3: 5},
    ),
    "a log has 256 KiB at the most": (
        [],
        LOG.format("cut", "NULL", f"jsonb_build_array({ENTRY.format('one')})", 5, f"262144 - {LENGTH} + {{n}}"),
        {0: False, 1: True},
    ),
    "a call renews a lease of which less than two thirds are left": (
        [
            SET.format("lease_until = now() + {n} * interval '1 s'"),
            CALL,
        ],
        (
            "SELECT lease_until > now() + interval '2900 s'"
            " FROM automation_executions WHERE execution_id = %(execution)s"
        ),
        {1900: True, 2100: False},
    ),
    "where the limit was lifted meanwhile one begins": (
        [OF_THE_RULE.format(n="NULL", policy="queue"), PENDING],
        ADMIT,
        {0: True},
    ),
    "one expires when its time is over and not before": (
        [PENDING, SET.format("expires_at = now() + {n} * interval '1 hour'")],
        "SELECT expire_execution_v1(%(tenant)s, %(execution)s)",
        {-1: True, 1: False},
    ),
    "a weight is ten by default, which is a limit of the tenant": (
        [
            "DELETE FROM tenant_limits WHERE tenant = %(tenant)s",
            "INSERT INTO tenant_limits (tenant, name, value) SELECT %(tenant)s, 'weight', {n} WHERE {n} > 0",
            PENDING,
        ],
        "SELECT weight FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, NULL, 3600, NULL)",
        {0: 10, 7: 7},
    ),
    "one whose rule is paused is held back by nothing else, and due never": (
        [
            PENDING,
            SET.format("held_back = true"),
            "UPDATE automation_rules SET status = 'paused' WHERE rule_id = %(rule)s",
            "SELECT FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, NULL, 3600, NULL)",
        ],
        "SELECT held_back OR due_at IS NOT NULL FROM automation_executions WHERE execution_id = %(execution)s",
        {0: False},
    ),
    "at the limit of what runs one is held back": (
        [
            PENDING,
            RUNNING,
            "UPDATE automation_executions SET lease_until = now() WHERE execution_id = %(older)s",
            "SELECT FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, {n}, 3600, NULL)",
        ],
        "SELECT held_back FROM automation_executions WHERE execution_id = %(execution)s",
        {1: True, 2: False},
    ),
    "what nobody has takes no room": (
        [PENDING, RUNNING, "SELECT FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, {n}, 3600, NULL)"],
        "SELECT held_back FROM automation_executions WHERE execution_id = %(execution)s",
        {0: True, 1: False},
    ),
    "a lease that was given back was nobody's loss": (
        [
            SET.format("lease_until = to_timestamp({n})"),
            "SELECT FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, NULL, 3600, NULL)",
        ],
        "SELECT lost_workers FROM automation_executions WHERE execution_id = %(execution)s",
        {0: 0, 1: 1},
    ),
    "what has no deadline is never past it": (
        [SET.format("deadline_at = NULL")],
        "SELECT deadline_passed FROM renew_claim_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 15)",
        {0: False},
    ),
    "an action without a result adds nothing to them": (
        ["SELECT record_action_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 0, NULL, false, 1, 0, 1, NULL)"],
        "SELECT results_bytes FROM automation_executions WHERE execution_id = %(execution)s",
        {0: 0},
    ),
    "a retry is not skipped": (
        [
            OF_THE_RULE.format(n=1, policy="skip"),
            PENDING,
            RUNNING,
            SET.format("attempt = {n}"),
            ADMIT,
        ],
        STATUS,
        {1: "skipped", 2: "pending"},
    ),
    "nobody is replaced while there is room": (
        [OF_THE_RULE.format(n="{n}", policy="cancel_previous"), PENDING, ADMIT],
        "SELECT status FROM automation_executions WHERE execution_id = %(older)s",
        {1: "pending", 2: "pending"},
    ),
}


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    async with somebody_else(runner) as transaction:
        yield transaction


async def answer(other: Transaction, name: str, named: dict[str, Any], number: int) -> object:
    """Return what is answered for a number; nothing is kept."""
    prepared, asked, _ = BOUNDS[name]
    try:
        await other.execute(b"SELECT set_config('app.tenant', %(tenant)s::text, true)", named)
        for statement in (*prepared, asked):
            cursor = await other.execute(statement.replace("{n}", str(number)).encode(), named)
        row = await cursor.fetchone()
    finally:
        await other.rollback()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", BOUNDS)
async def test_a_number_decides_where_it_is_reached(runner: Runner, other: Transaction, name: str) -> None:
    rule = await runner.rule(concurrency_policy=ConcurrencyPolicy.QUEUE)
    older = await runner.execute(rule)
    claim = await runner.claimed(await runner.execute(rule))
    named = {
        "tenant": runner.tenant,
        "rule": rule.rule_id,
        "older": older,
        "execution": claim.execution_id,
        "fence": claim.fence,
    }
    expected = BOUNDS[name][2]

    assert {number: await answer(other, name, named, number) for number in expected} == expected
