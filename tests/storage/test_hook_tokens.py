"""Tokens of hooks as the database keeps them: which of them are taken, by the moment, and what they lead to."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from automation.domain.hooks import hook_digest
from automation.domain.limits import Limit
from automation.domain.rules import TriggerType
from automation.storage.hooks import HookDirectory
from automation.storage.pool.database import Database
from automation.storage.secrets.secrets import Secrets
from tests.secret_keys import KEYRING
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_rule

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
UNTOUCHED: dict[bytes, int | None] = {b"p" * 32: None, b"q" * 32: 60}
KEEP = "INSERT INTO automation_hook_tokens (digest, tenant, rule_id, expires_at) VALUES (%s, %s, %s, now() + %s)"
TOKENS = """
SELECT digest, extract(epoch FROM expires_at - now())::integer AS left FROM automation_hook_tokens
WHERE tenant = %s AND rule_id = %s ORDER BY digest
"""
Admin = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def admin(runner: Runner) -> Iterator[Admin]:
    """A transaction of which nothing stays."""
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


def tokens(admin: Admin, runner: Runner, rule: UUID) -> dict[bytes, int | None]:
    """Return the tokens of a rule of the tenant, and in how many seconds each ends."""
    found = admin.execute(TOKENS, (runner.tenant, rule)).fetchall()
    return {bytes(row["digest"]): row["left"] for row in found}


def given(admin: Admin, runner: Runner, there: dict[bytes, int | None], beside: UUID) -> None:
    """Give the sample's rule some tokens, and another rule those that are never touched."""
    for rule, of_it in ((runner.sample.rule.rule_id, there), (beside, UNTOUCHED)):
        for digest, seconds in of_it.items():
            lasts = None if seconds is None else f"{seconds} s"
            admin.execute(KEEP, (digest, runner.tenant, rule, lasts))


@pytest.fixture
def beside(runner: Runner) -> UUID:
    """Another rule of the tenant."""
    rule = a_rule(runner.tenant)
    runner.sample.administration.add_rule(rule)
    return rule.rule_id


@pytest.mark.parametrize(
    ("there", "digest", "made", "left"),
    [
        ({}, NEW, True, {NEW: None}),
        ({}, None, False, {}),
        ({OLD: None}, NEW, False, {OLD: None}),
        ({OLD: 60}, NEW, True, {OLD: 60, NEW: None}),
        ({OLD: 60, OTHER: None}, NEW, False, {OLD: 60, OTHER: None}),
        ({OLD: 60, OTHER: None}, None, False, {}),
    ],
)
def test_a_rule_keeps_its_token_or_has_one_from_now_on_or_none(
    runner: Runner,
    admin: Admin,
    beside: UUID,
    *,
    there: dict[bytes, int | None],
    digest: bytes | None,
    made: bool,
    left: dict[bytes, int | None],
) -> None:
    given(admin, runner, there, beside)

    row = admin.execute(
        "SELECT keep_hook_v1(%s, %s, %s) AS made", (runner.tenant, runner.sample.rule.rule_id, digest)
    ).fetchone()

    assert row == {"made": made}
    assert tokens(admin, runner, runner.sample.rule.rule_id) == left
    assert tokens(admin, runner, beside) == UNTOUCHED


@pytest.mark.parametrize(
    ("there", "seconds", "left"),
    [
        ({}, None, {}),
        ({OLD: 60}, None, {}),
        ({OLD: None}, 90, {OLD: 90, NEW: None}),
        ({OLD: 60, OTHER: None}, 90, {OTHER: 90, NEW: None}),
    ],
)
def test_a_new_token_ends_the_one_before_in_time_and_others_at_once(
    runner: Runner,
    admin: Admin,
    beside: UUID,
    *,
    there: dict[bytes, int | None],
    seconds: int | None,
    left: dict[bytes, int | None],
) -> None:
    given(admin, runner, there, beside)

    row = admin.execute(
        "SELECT extract(epoch FROM rotate_hook_v1(%s, %s, %s, 90) - now())::integer AS ends",
        (runner.tenant, runner.sample.rule.rule_id, NEW),
    ).fetchone()

    assert row == {"ends": seconds}
    assert tokens(admin, runner, runner.sample.rule.rule_id) == left
    assert tokens(admin, runner, beside) == UNTOUCHED


@pytest.mark.parametrize(
    ("seconds", "deleted", "taken"), [(None, False, True), (1, False, True), (0, False, False), (None, True, False)]
)
async def test_a_token_is_taken_until_its_moment_and_as_long_as_its_rule_is_there(
    runner: Runner, admin: Admin, *, seconds: int | None, deleted: bool, taken: bool
) -> None:
    rule = await runner.rule(trigger_type=TriggerType.WEBHOOK)
    admin.execute("DELETE FROM automation_hook_tokens WHERE rule_id = %s", (rule.rule_id,))
    admin.execute(KEEP, (OLD, runner.tenant, rule.rule_id, None if seconds is None else f"{seconds} s"))
    if deleted:
        admin.execute("UPDATE automation_rules SET deleted_at = now() WHERE rule_id = %s", (rule.rule_id,))

    found = [admin.execute("SELECT tenant FROM resolve_hook_v1(%s)", (digest,)).fetchall() for digest in (OLD, NEW)]

    assert found == [[{"tenant": runner.tenant}] * taken, []]


async def test_a_hook_has_its_own_tenants_secret_and_limit(runner: Runner, theirs: Sample, database: Database) -> None:
    for sample, value, limit in ((runner.sample, "our value of it", 70), (theirs, "their value of it", 80)):
        await Secrets(database, KEYRING).put(sample.tenant, sample.user, "TOKEN", value)
        sample.administration.set_limits(sample.tenant, {Limit.REQUESTS_PER_MINUTE: limit, Limit.WEIGHT: 3})
    signed = {"verification": {"type": "hmac", "secret": "${secrets.TOKEN}"}}
    rules = [
        await runner.rule(trigger_type=TriggerType.WEBHOOK, trigger_config=config)
        for config in (
            signed,
            {"verification": {"secret": "${secrets.GONE}"}},
            {"verification": {"secret": "TOKEN"}},
            {},
        )
    ]
    tokens_of_rules = [str(rule.hook_token) for rule in rules]

    found = [await HookDirectory(database, KEYRING).find(hook_digest(token)) for token in tokens_of_rules]
    unread = await HookDirectory(database).find(hook_digest(tokens_of_rules[0]))

    assert [each and (each.rule_id, each.secret, each.requests) for each in found] == [
        (rule.rule_id, secret, 70) for rule, secret in zip(rules, ("our value of it", None, None, None), strict=True)
    ]
    assert unread is not None
    assert (unread.secret, unread.config) == (None, signed)
