"""A rule is written as its versions, none of which ever changes, and is deleted only when nothing runs it."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from automation.domain.errors import PreconditionFailed, RuleDeleted, RuleInUse, RuleNotFound
from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy, ConditionLogic, Rule, RuleAction, RuleStatus
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_content, only

FULL = a_content(
    name="Ünïcödé 🚀",
    description='with "quotes" and\nlines',
    status=RuleStatus.DRAFT,
    trigger_config={"note": ["%s", {"deep": None}]},
    conditions=({"field": "trigger.total", "operator": "in", "value": [1, 2.5, "x", None]},),
    condition_logic=ConditionLogic.OR,
    actions=(RuleAction(type="shout", config={"text": "${trigger}"}, timeout_seconds=7, retry_attempts=5),),
    execution_timeout_seconds=2_592_000,
    max_concurrent_executions=1000,
    concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS,
    labels={"order": "${trigger.order}", "a.b_c-d": ""},
)


async def test_a_new_rule_is_read_as_it_was_written(runner: Runner) -> None:
    created = await runner.rules.create(runner.tenant, runner.sample.user, FULL)

    assert created.content == FULL
    assert (created.version, created.tenant, created.created_by) == (1, runner.tenant, runner.sample.user)
    assert (created.status_reason, created.deleted_at) == (None, None)
    assert created.created_at == created.updated_at
    assert await runner.rules.get(runner.tenant, created.rule_id) == created


async def test_a_change_is_a_new_version(runner: Runner) -> None:
    rule = await runner.rule()
    editor = uuid4()

    changed = await runner.rules.update(runner.tenant, editor, rule.rule_id, FULL)

    assert (changed.version, changed.content) == (2, FULL)
    assert (changed.created_by, changed.created_at) == (rule.created_by, rule.created_at)
    assert changed.updated_at > rule.updated_at
    assert await runner.rules.get(runner.tenant, rule.rule_id) == changed


async def test_what_changes_nothing_is_no_version_and_answered_with_the_rule_as_it_is(runner: Runner) -> None:
    rule = await runner.rules.create(runner.tenant, runner.sample.user, FULL)

    same = await runner.rules.update(runner.tenant, uuid4(), rule.rule_id, FULL)

    assert same == rule


async def test_every_version_is_kept_with_who_wrote_it(runner: Runner, database_urls: DatabaseUrls) -> None:
    rule = await runner.rule(name="one")
    editor = uuid4()
    await runner.rules.update(runner.tenant, editor, rule.rule_id, a_content(name="two"))

    with psycopg.connect(database_urls.admin) as admin:
        kept = admin.execute(
            "SELECT version, name, created_by FROM automation_rule_versions WHERE rule_id = %s ORDER BY 1",
            (rule.rule_id,),
        ).fetchall()

    assert kept == [(1, "one", rule.created_by), (2, "two", editor)]


async def test_a_change_that_is_meant_for_another_version_is_refused(runner: Runner) -> None:
    rule = await runner.rule()

    with pytest.raises(PreconditionFailed):
        await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, FULL, accept=only(2))

    assert await runner.rules.get(runner.tenant, rule.rule_id) == rule


async def test_of_many_changes_to_one_version_one_succeeds(runner: Runner) -> None:
    rule = await runner.rule()

    answers = await asyncio.gather(
        *(runner.rules.update(runner.tenant, uuid4(), rule.rule_id, FULL, accept=only(1)) for _ in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, PreconditionFailed) for answer in answers) == 7
    assert (await runner.rules.get(runner.tenant, rule.rule_id)).version == 2


async def test_a_change_mends_a_rule_in_error(runner: Runner) -> None:
    claim = await runner.claimed()
    await runner.runs.mark_rule_error(claim, "broken")

    mended = await runner.rules.update(runner.tenant, runner.sample.user, claim.rule.rule_id, a_content())

    assert (mended.content.status, mended.status_reason, mended.version) == (RuleStatus.ACTIVE, None, 2)


async def test_a_deleted_rule_is_still_read_and_no_longer_changed(runner: Runner) -> None:
    rule = await runner.rule()

    await runner.rules.delete(runner.tenant, rule.rule_id)
    deleted = await runner.rules.get(runner.tenant, rule.rule_id)
    await runner.rules.delete(runner.tenant, rule.rule_id)

    assert deleted.deleted_at is not None
    assert (deleted.version, deleted.content) == (1, rule.content)
    assert await runner.rules.get(runner.tenant, rule.rule_id) == deleted
    with pytest.raises(RuleDeleted):
        await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, FULL)


@pytest.mark.parametrize("status", [ExecutionStatus.PENDING, ExecutionStatus.RUNNING])
async def test_a_rule_with_an_execution_that_has_not_ended_is_not_deleted(
    runner: Runner, status: ExecutionStatus
) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    if status is ExecutionStatus.RUNNING:
        await runner.claimed(execution)

    with pytest.raises(RuleInUse):
        await runner.rules.delete(runner.tenant, rule.rule_id)


async def test_a_rule_whose_executions_have_ended_is_deleted(runner: Runner) -> None:
    rule = await runner.rule()
    await runner.failed(execution=await runner.execute(rule))

    await runner.rules.delete(runner.tenant, rule.rule_id)

    assert (await runner.rules.get(runner.tenant, rule.rule_id)).deleted_at is not None


async def test_a_rule_is_never_both_deleted_and_executed(runner: Runner) -> None:
    for _ in range(10):
        rule = await runner.rule()

        executed, deleted = await asyncio.gather(
            runner.execute(rule), runner.rules.delete(runner.tenant, rule.rule_id), return_exceptions=True
        )

        assert isinstance(executed, RuleDeleted) != isinstance(deleted, RuleInUse)


async def test_what_is_not_ones_own_is_not_found(runner: Runner, theirs: Sample) -> None:
    for rule in (uuid4(), theirs.rule.rule_id):
        with pytest.raises(RuleNotFound):
            await runner.rules.update(runner.tenant, runner.sample.user, rule, FULL)
        with pytest.raises(RuleNotFound):
            await runner.rules.delete(runner.tenant, rule)


async def test_whoever_deletes_a_rule_looks_at_it_first_as_it_is(runner: Runner) -> None:
    rule = await runner.rule()
    looked_at: list[tuple[int, bool]] = []

    def look(found: Rule) -> None:
        looked_at.append((found.version, found.deleted_at is None))
        only(1)(found)

    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="another"))
    with pytest.raises(PreconditionFailed):
        await runner.rules.delete(runner.tenant, rule.rule_id, accept=look)
    kept = await runner.rules.get(runner.tenant, rule.rule_id)
    await runner.rules.delete(runner.tenant, rule.rule_id, accept=only(2))
    with pytest.raises(PreconditionFailed):
        await runner.rules.delete(runner.tenant, rule.rule_id, accept=look)

    assert kept.deleted_at is None
    assert looked_at == [(2, True), (2, False)]
