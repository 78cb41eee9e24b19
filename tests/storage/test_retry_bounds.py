"""Bounds of a retry: where it goes on, what it keeps of the attempt before, and how often there may be one."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from psycopg.rows import dict_row

from tests.storage.locks import Transaction, somebody_else
from tests.storage.runner import Runner

KEY = UUID(int=7)
SET = "UPDATE automation_executions SET {} WHERE execution_id = %(execution)s"
RETRY = """
SELECT outcome, wanted FROM retry_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_from => %(from)s, p_rule_version => 'same',
    p_trigger_data => %(data)s, p_attempt => %(attempt)s, p_request_id => NULL, p_triggered_by => NULL,
    p_max_pending => NULL, p_executions_per_day => NULL, p_stored_bytes => NULL)
"""
ROW = "SELECT * FROM automation_executions WHERE execution_id = %(execution)s"
ATTEMPT = "SELECT * FROM automation_execution_attempts WHERE execution_id = %(execution)s"
USED = "SELECT sum(used)::integer AS used FROM tenant_usage WHERE tenant = %(tenant)s AND name = 'executions_per_day'"

NOTHING = (
    "status = 'cancelled', next_action = 0, tries = 0, retry_from = NULL, failed_action_index = NULL, call_key = NULL,"
    " results = NULL, results_bytes = 0"
)
"""What an execution is that ended before it did anything."""
THREE = (
    f"next_action = 3, failed_action_index = NULL, call_key = '{KEY}', results_bytes = 6,"
    """ results = '{"0": 1, "1": 22, "2": 333}'"""
)
LEFT = (
    "held_back = true, logs_cut = true, log_entries = 9, cancel_requested_at = now(), cancel_reason = 'enough',"
    " tries = 3, actions_seconds = 1.5, actions_successful = 1, actions_failed = 1"
)

# What the execution is, what is asked, what is answered, and what the row says then.
CASES: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "what did nothing begins": (NOTHING, {}, "retried", {"retry_from": "start", "next_action": 0}),
    "what began at its start had not begun": (
        f"{NOTHING}, retry_from = 'start'".replace("retry_from = NULL, ", ""),
        {},
        "retried",
        {"retry_from": "start"},
    ),
    "it goes on behind what is done": (
        THREE,
        {},
        "retried",
        {"next_action": 3, "results": {"0": 1, "1": 22, "2": 333}, "results_bytes": 6, "call_key": KEY},
    ),
    "it goes on at what failed": (
        THREE.replace("index = NULL", "index = 1"),
        {},
        "retried",
        {"next_action": 1, "results": {"0": 1}, "results_bytes": 1, "call_key": None, "retry_from": "failed_action"},
    ),
    "from its start nothing is kept": (
        THREE,
        {"from": "start"},
        "retried",
        {"next_action": 0, "results": None, "results_bytes": 0, "call_key": None, "retry_from": "start"},
    ),
    "a call goes on that was under way": (
        f"next_action = 0, failed_action_index = NULL, call_key = '{KEY}'",
        {"from": "start"},
        "retried",
        {"call_key": KEY},
    ),
    "with other data it is another call": (THREE, {"data": '{"a": 1}'}, "retried", {"call_key": None}),
    "the hundredth is retried": ("attempt = 100", {}, "retried", {"attempt": 101}),
    "and no other one": ("attempt = 101", {}, "retries_exhausted", {"attempt": 101, "status": "failed"}),
    "the attempt that is meant is retried": ("attempt = 7", {"attempt": 7}, "retried", {"attempt": 8}),
    "and no other attempt": ("attempt = 7", {"attempt": 6}, "other_attempt", {"attempt": 7}),
    "it is no more held back, cut off or asked to stop": (
        LEFT,
        {},
        "retried",
        {
            "held_back": False,
            "logs_cut": False,
            "log_entries": 0,
            "cancel_requested_at": None,
            "cancel_reason": None,
            "tries": 0,
            "actions_seconds": 0,
            "actions_successful": 0,
            "actions_failed": 0,
            "actions_total": 2,
        },
    ),
    **{
        f"it had begun: {change}": (
            NOTHING.replace(f"{name} = NULL", change).replace(f"{name} = 0", change),
            {},
            "retried",
            {"retry_from": "failed_action"},
        )
        for name, change in (
            ("next_action", "next_action = 1"),
            ("tries", "tries = 1"),
            ("retry_from", "retry_from = 'failed_action'"),
            ("failed_action_index", "failed_action_index = 0"),
            ("call_key", f"call_key = '{KEY}'"),
            ("results", "results = '{}'"),
        )
    },
}


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    async with somebody_else(runner) as transaction:
        yield transaction


async def asked(other: Transaction, query: str, named: dict[str, Any]) -> dict[str, Any]:
    """Return the one row that is found."""
    async with other.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(query.encode(), named)).fetchone()
    assert row is not None
    return row


async def named(runner: Runner, **fields: Any) -> dict[str, Any]:
    execution = await runner.failed()
    return {
        "tenant": runner.tenant,
        "execution": execution,
        "from": "failed_action",
        "data": None,
        "attempt": None,
    } | fields


@pytest.mark.parametrize("name", CASES)
async def test_a_retry_goes_on_where_it_may_and_keeps_what_is_before(
    runner: Runner, other: Transaction, name: str
) -> None:
    change, how, outcome, row = CASES[name]
    names = await named(runner, **how)
    await other.execute(SET.format(change).encode(), names)
    used = (await asked(other, USED, names))["used"]

    answer = await asked(other, RETRY, names)

    found = await asked(other, ROW, names)
    assert answer == {"outcome": outcome, "wanted": None}
    assert {column: found[column] for column in row} == row
    assert (await asked(other, USED, names))["used"] - used == (outcome == "retried")


@pytest.mark.parametrize(("attempt", "since"), [(1, "created_at"), (2, "queued_at")])
@pytest.mark.parametrize("data", [None, '{"a": 1}'])
async def test_an_attempt_that_is_over_is_kept_as_it_was(
    runner: Runner, other: Transaction, *, attempt: int, since: str, data: str | None
) -> None:
    names = await named(runner, data=data)
    change = f"attempt = {attempt}, queued_at = created_at + interval '1 minute'"
    await other.execute(SET.format(change).encode(), names)
    before = await asked(other, ROW, names)

    await asked(other, RETRY, names)

    kept = await asked(other, ATTEMPT, names)
    moved = {"created_at", "trigger_data"}
    assert kept["created_at"] == before[since]
    assert kept["trigger_data"] == (None if data is None else before["trigger_data"])
    assert {name: value for name, value in kept.items() if name not in moved} == {
        name: before[name] for name in kept if name not in moved
    }


CHECKED: dict[str, tuple[str, str | None, int | None, int | None]] = {
    "what ran before runs again": ("same", None, None, None),
    "other data": ("same", '{"a": 1}', None, 1),
    "other data that were checked": ("same", '{"a": 1}', 1, None),
    "another version": ("latest", None, None, 2),
    "another version, and the one before was checked": ("latest", None, 1, 2),
    "another version that was checked": ("latest", None, 2, None),
}
"""The version that is to run, the data, the version that both were held to, and the one that they are still to be."""


@pytest.mark.parametrize("name", CHECKED)
async def test_what_an_attempt_runs_with_is_held_to_the_schema_of_what_it_runs_unless_it_was(
    runner: Runner, other: Transaction, name: str
) -> None:
    version, data, checked, wanted = CHECKED[name]
    rule = await runner.rule()
    names = await named(runner, **{"from": "start", "data": data, "version": version, "checked": checked})
    names["execution"] = await runner.failed(execution=await runner.execute(rule, told="before"))
    said = replace(rule.content, name="another version")
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, said)
    await other.execute("UPDATE automation_rule_versions SET input_schema = '{}' WHERE rule_id = %s", (rule.rule_id,))
    query = RETRY.replace("'same'", "%(version)s").replace("p_stored_bytes", "p_checked => %(checked)s, p_stored_bytes")

    answer = await asked(other, query, names)

    assert answer["outcome"] == ("retried" if wanted is None else "check_wanted")
    if wanted is not None:
        found = json.loads(answer["wanted"])
        assert (found["attempt"], found["version"], found["rule_id"]) == (1, wanted, str(rule.rule_id))
        assert found["trigger_data"] == json.loads(data or '{"told": "before"}')


async def test_where_there_is_no_schema_nothing_is_held_to_one(runner: Runner, other: Transaction) -> None:
    answer = await asked(other, RETRY, await named(runner, data='{"a": 1}'))

    assert answer == {"outcome": "retried", "wanted": None}
