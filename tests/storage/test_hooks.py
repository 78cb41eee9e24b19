"""Hooks by their tokens: whose each is, how long it is taken, and nothing of a tenant whose rule has the same id."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import RuleDeleted, RuleNotFound, RuleWithoutHook
from automation.domain.hooks import HookToken, hook_digest
from automation.domain.rules import TriggerType
from automation.storage.hooks import HookDirectory, RuleHooks
from automation.storage.pool.database import Database
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_content

HOUR = 3600.0
TWIN = """
INSERT INTO automation_rules SELECT (jsonb_populate_record(NULL::automation_rules,
    to_jsonb(r) || jsonb_build_object('tenant', %s::uuid, 'trigger_config', jsonb_build_object('whose', 'theirs')))).*
FROM automation_rules r WHERE tenant = %s AND rule_id = %s
"""


@dataclass(frozen=True)
class Twins:
    """A rule with a hook, and one of another tenant with the same id and a hook of its own."""

    rule: UUID
    ours: str
    theirs: str


@pytest.fixture
def hooks(database: Database) -> RuleHooks:
    return RuleHooks(database)


@pytest.fixture
def directory(database: Database) -> HookDirectory:
    return HookDirectory(database)


@pytest.fixture
async def twins(runner: Runner, theirs: Sample) -> Twins:
    rule = await runner.rule(trigger_type=TriggerType.WEBHOOK, trigger_config={"whose": "ours"})
    token = HookToken.generate()
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(TWIN.encode(), (theirs.tenant, runner.tenant, rule.rule_id))
        admin.execute("SELECT keep_hook_v1(%s, %s, %s)", (theirs.tenant, rule.rule_id, token.digest))
    assert rule.hook_token is not None
    return Twins(rule.rule_id, rule.hook_token, token.plaintext)


async def whose(directory: HookDirectory, token: str) -> tuple[UUID, UUID, object] | None:
    """Return the tenant, the rule and the setting that a token leads to."""
    hook = await directory.find(hook_digest(token))
    return None if hook is None else (hook.tenant, hook.rule_id, hook.config["whose"])


async def test_a_token_leads_to_its_own_rule_though_another_tenants_has_the_same_id(
    runner: Runner, theirs: Sample, directory: HookDirectory, twins: Twins
) -> None:
    assert await whose(directory, twins.ours) == (runner.tenant, twins.rule, "ours")
    assert await whose(directory, twins.theirs) == (theirs.tenant, twins.rule, "theirs")
    assert await whose(directory, HookToken.generate().plaintext) is None


async def test_a_rotation_ends_no_token_of_another_tenant(
    runner: Runner, theirs: Sample, directory: HookDirectory, hooks: RuleHooks, twins: Twins
) -> None:
    before = datetime.now(UTC)
    token, ends = await hooks.rotate(runner.tenant, twins.rule, HOUR)
    after = datetime.now(UTC)

    assert before - timedelta(minutes=1) < ends - timedelta(seconds=HOUR) < after + timedelta(minutes=1)
    assert await whose(directory, token) == await whose(directory, twins.ours) == (runner.tenant, twins.rule, "ours")

    newest, _ = await hooks.rotate(runner.tenant, twins.rule, 0)

    assert await whose(directory, twins.ours) is None, "of tokens that were to end none is left"
    assert await whose(directory, token) is None, "its time is over"
    assert await whose(directory, newest) == (runner.tenant, twins.rule, "ours")
    assert await whose(directory, twins.theirs) == (theirs.tenant, twins.rule, "theirs")


async def test_a_change_keeps_a_token_and_a_rule_without_webhooks_or_deleted_has_none(
    runner: Runner, theirs: Sample, directory: HookDirectory, hooks: RuleHooks, twins: Twins
) -> None:
    kept = a_content(trigger_type=TriggerType.WEBHOOK, trigger_config={"whose": "still ours"})
    changed = await runner.rules.update(runner.tenant, runner.sample.user, twins.rule, kept)

    assert changed.hook_token is None
    assert await whose(directory, twins.ours) == (runner.tenant, twins.rule, "still ours")

    await runner.rules.update(runner.tenant, runner.sample.user, twins.rule, a_content())

    assert await whose(directory, twins.ours) is None
    with pytest.raises(RuleWithoutHook):
        await hooks.rotate(runner.tenant, twins.rule, HOUR)

    again = await runner.rules.update(runner.tenant, runner.sample.user, twins.rule, kept)

    assert again.hook_token is not None
    assert await whose(directory, again.hook_token) == (runner.tenant, twins.rule, "still ours")

    await runner.rules.delete(runner.tenant, twins.rule)

    assert await whose(directory, again.hook_token) is None
    with pytest.raises(RuleDeleted):
        await hooks.rotate(runner.tenant, twins.rule, HOUR)
    assert await whose(directory, twins.theirs) == (theirs.tenant, twins.rule, "theirs")


async def test_a_rule_that_a_tenant_does_not_have_has_no_hook_for_it(
    runner: Runner, theirs: Sample, hooks: RuleHooks
) -> None:
    rule = await runner.rule(trigger_type=TriggerType.WEBHOOK)

    for tenant, asked in ((theirs.tenant, rule.rule_id), (runner.tenant, uuid4())):
        with pytest.raises(RuleNotFound):
            await hooks.rotate(tenant, asked, HOUR)
