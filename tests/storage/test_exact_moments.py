"""Moments at which a lease, a wait or a token ends, to the microsecond: in one transaction now() is one moment."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.storage.locks import Transaction, somebody_else
from tests.storage.runner import Runner

MOMENTS = (-1, 0, 1)
"""Microseconds before and after now."""

_SET = "UPDATE automation_executions SET {} WHERE execution_id = %(execution)s"
_CLAIM = "SELECT count(*) FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, NULL, 3600, NULL)"
_STATUS = "SELECT status FROM automation_executions WHERE execution_id = %(execution)s"

RUNNING: dict[str, tuple[list[str], str, tuple[object, object, object]]] = {
    "a lease that ends now holds": ([_SET.format("lease_until = {moment}")], _CLAIM, (1, 0, 0)),
    "a wait that ends now is over": (
        [_SET.format("lease_until = NULL, resume_at = {moment}")],
        _CLAIM,
        (1, 1, 0),
    ),
    "an execution whose time ends now is stopped though it waits": (
        [
            _SET.format(
                "next_action = 1, lease_until = NULL, resume_at = now() + interval '1 h', deadline_at = {moment}"
            ),
            _CLAIM,
        ],
        _STATUS,
        ("timeout", "timeout", "running"),
    ),
    "an execution whose time ends now is stopped by who takes it over": (
        [_SET.format("lease_until = now() - interval '1 s', deadline_at = {moment}"), _CLAIM],
        _STATUS,
        ("timeout", "timeout", "running"),
    ),
    "who renews a claim is told that its time ends now": (
        [_SET.format("deadline_at = {moment}")],
        "SELECT deadline_passed FROM renew_claim_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 15)",
        (True, True, False),
    ),
    "a lease is renewed that holds for less than two thirds": (
        [
            _SET.format("lease_until = {moment} + interval '10 s'"),
            "SELECT FROM renew_claim_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 15)",
        ],
        "SELECT lease_until > now() + interval '14 s' FROM automation_executions WHERE execution_id = %(execution)s",
        (True, False, False),
    ),
    "one is cancelled at once whose lease is over, and asked to where it ends now": (
        [
            _SET.format("lease_until = {moment}"),
            "SELECT FROM cancel_execution_v1(%(tenant)s, %(execution)s, 'cancelled')",
        ],
        _STATUS,
        ("cancelled", "running", "running"),
    ),
    "one that is due now is swept": (
        [_SET.format("due_at = {moment}")],
        "SELECT count(*) FROM sweep_due_executions_v1(1000) s WHERE s.execution_id = %(execution)s",
        (1, 1, 0),
    ),
}

OTHERS: dict[str, tuple[list[str], str, tuple[object, object, object]]] = {
    "what is pending expires at the moment that it says": (
        [_SET.format("status = 'pending', lease_until = NULL, started_at = NULL, expires_at = {moment}")],
        "SELECT count(*) FROM find_expired_executions_v1(1000) f WHERE f.execution_id = %(execution)s",
        (1, 1, 0),
    ),
    "a token that ends now is none": (
        [
            "UPDATE automation_rules SET trigger_type = 'webhook' WHERE rule_id = %(rule)s",
            (
                "INSERT INTO automation_hook_tokens (digest, tenant, rule_id, expires_at)"
                " VALUES (sha256(%(execution)s::text::bytea), %(tenant)s, %(rule)s, {moment})"
            ),
        ],
        "SELECT count(*) FROM resolve_hook_v1(sha256(%(execution)s::text::bytea))",
        (0, 0, 1),
    ),
    "a schedule is found that fires now or as far ahead as asked": (
        [
            (
                "INSERT INTO automation_schedules (tenant, rule_id, scheduled_at, fire_at)"
                " VALUES (%(tenant)s, %(rule)s, now(), {moment} + interval '2 s')"
            )
        ],
        "SELECT count(*) FROM find_due_schedules_v1(1000, 2) f WHERE f.rule_id = %(rule)s",
        (1, 1, 0),
    ),
    "a schedule fires at its moment and not before": (
        [
            (
                "INSERT INTO automation_schedules (tenant, rule_id, scheduled_at, fire_at)"
                " VALUES (%(tenant)s, %(rule)s, now(), {moment})"
            )
        ],
        (
            "SELECT count(*) FROM fire_schedule_v1(%(tenant)s, %(rule)s, 1, now(), NULL, NULL, NULL, NULL, NULL, NULL,"
            " NULL, NULL, NULL, NULL, NULL)"
        ),
        (1, 1, 0),
    ),
    "a minute of requests that ends now is over": (
        [
            (
                "INSERT INTO rate_windows (tenant, subject, began_at, granted)"
                " VALUES (%(tenant)s, 'tenant', {moment} - interval '60 s', 5)"
            )
        ],
        "SELECT used FROM tenant_usage_v1(%(tenant)s) WHERE name = 'requests_per_minute'",
        (0, 0, 5),
    ),
    "a line of the audit log goes when it is older than it may be": (
        [
            "UPDATE audit_events SET created_at = {moment} - interval '40 days' WHERE tenant = %(tenant)s",
        ],
        "SELECT removed > 0 FROM prune_audit_events_v1(%(tenant)s, 40, 10)",
        (True, False, False),
    ),
    "an event is forgotten, and may come again, at the moment that it says": (
        [
            (
                "INSERT INTO automation_events (tenant, digest, expires_at, receipt)"
                " VALUES (%(tenant)s, sha256(%(execution)s::text::bytea), {moment}, '{{}}')"
            )
        ],
        (
            "SELECT count(*) FROM begin_events_v1("
            "%(tenant)s, ARRAY[sha256(%(execution)s::text::bytea)], '{{}}', '{{}}', NULL, NULL)"
        ),
        (0, 0, 1),
    ),
    "and is removed then": (
        [
            (
                "INSERT INTO automation_events (tenant, digest, expires_at, receipt)"
                " VALUES (%(tenant)s, sha256(%(execution)s::text::bytea), {moment}, '{{}}')"
            ),
            "SELECT prune_events_v1(1000)",
        ],
        "SELECT count(*) FROM automation_events WHERE tenant = %(tenant)s",
        (0, 0, 1),
    ),
    "the last use of a key is written again after a minute": (
        [
            "UPDATE api_keys SET last_used_at = {moment} - interval '1 minute' WHERE digest = %(key)s",
            "SELECT touch_api_keys_v1(ARRAY[%(key)s::bytea])",
        ],
        "SELECT last_used_at = now() FROM api_keys WHERE digest = %(key)s",
        (True, True, False),
    ),
}


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    async with somebody_else(runner) as transaction:
        yield transaction


async def outcome(
    other: Transaction, prepared: list[str], asked: str, named: dict[str, Any], microseconds: int
) -> object:
    """Return what a statement says with times that are so many microseconds from its now; nothing is kept."""
    moment = f"(now() + {microseconds} * interval '1 microsecond')"
    try:
        for statement in prepared:
            await other.execute(statement.format(moment=moment).encode(), named)
        row = await (await other.execute(asked.replace("{{}}", "{}").encode(), named)).fetchone()
    finally:
        await other.rollback()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", [*RUNNING, *OTHERS])
async def test_what_ends_does_so_at_one_moment(runner: Runner, other: Transaction, name: str) -> None:
    claim = await runner.claimed()
    prepared, asked, expected = (RUNNING | OTHERS)[name]
    named = {
        "tenant": runner.tenant,
        "execution": claim.execution_id,
        "fence": claim.fence,
        "rule": runner.sample.rule.rule_id,
        "key": runner.sample.add_key(),
    }

    found = tuple([await outcome(other, prepared, asked, named, each) for each in MOMENTS])

    assert found == expected
