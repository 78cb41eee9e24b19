"""A revision is another one after each change of what is shown: else a client would be told that nothing changed."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import AutomationError
from automation.domain.executions import ExecutionStatus
from automation.domain.rules import Rule
from automation.storage.executions import Executions
from automation.storage.runs import ActionDone, CallBegins, Claim, TryFailed
from automation.storage.tables import automation_executions, automation_rules
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner, entry, told
from tests.storage.samples import Sample, a_content

STEPS = 120
UNTOUCHABLE = {"tenant", "execution_id", "rule_id", "automation_rule_id"}
"""What an execution or a rule is found by."""


@dataclass
class Life:
    """One execution, to which things happen in a random order, and every state of it that was seen."""

    runner: Runner
    execution: UUID
    chance: random.Random
    attempt: int = 1
    claim: Claim | None = None
    seen: dict[str, bytes] = field(default_factory=dict)

    async def look(self) -> None:
        """Read it, as a client who knows nothing and as one who knows it as it is."""
        document = await self.runner.executions.read(self.runner.tenant, self.execution)
        known = await self.runner.executions.read(self.runner.tenant, self.execution, document.revision)
        assert self.seen.setdefault(document.revision, document.json) == document.json
        assert (known.json, known.revision) == (b"", document.revision)

    async def begin(self) -> None:
        self.claim = await self.runner.claim(self.execution, attempt=self.attempt) or self.claim

    async def lose(self) -> None:
        self.runner.expire(self.execution)

    async def tell(self) -> None:
        await self.runner.runs.log(self.held(), told(entry(str(self.chance.random())), first=self.chance.randrange(3)))

    async def renew(self) -> None:
        await self.runner.runs.renew(self.held(), lease=15)

    async def call(self) -> None:
        await self.runner.runs.write(self.held(), CallBegins(lease=15, tries=0, call_key=uuid4()))

    async def fail_once(self) -> None:
        await self.runner.runs.write(self.held(), TryFailed(tries=1, keep_call_key=False), told(entry()))

    async def act(self) -> None:
        # Of the same length each time, and without a word in the log.
        done = ActionDone(index=0, result=self.chance.randrange(100, 999), failed=False)
        await self.runner.runs.write(self.held(), done)

    async def rest(self) -> None:
        await self.runner.runs.wait(self.held(), next_action=1, resume_at=datetime.now(UTC) - timedelta(seconds=1))

    async def hand_back(self) -> None:
        await self.runner.runs.release(self.held())

    async def end(self) -> None:
        await self.runner.runs.finish(
            self.held(), self.chance.choice((ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT))
        )

    async def cancel(self) -> None:
        await self.runner.executions.cancel(self.runner.tenant, self.execution)

    async def retry(self) -> None:
        await self.runner.executions.retry(self.runner.tenant, self.execution, retry_from="start")
        self.attempt += 1

    def held(self) -> Claim:
        if self.claim is None:
            raise LookupError
        return self.claim

    def happenings(self) -> list[Callable[[], Awaitable[None]]]:
        often = [self.begin, self.tell, self.act, self.fail_once, self.call, self.renew, self.retry] * 2
        return [*often, self.lose, self.rest, self.hand_back, self.end, self.cancel]


@pytest.mark.parametrize("seed", range(4))
async def test_no_two_states_of_an_execution_have_one_revision(runner: Runner, seed: int) -> None:
    life = Life(runner, await runner.execute(order=1), random.Random(seed))  # noqa: S311 - repeatable
    statuses = set()

    for _ in range(STEPS):
        try:
            await life.chance.choice(life.happenings())()
        except (AutomationError, LookupError):
            continue
        await life.look()
        statuses.add(await runner.status(life.execution))

    assert len(set(life.seen.values())) > STEPS / 20
    assert len(statuses) > 2


@pytest.mark.parametrize("column", sorted({each.name for each in automation_executions.c} - UNTOUCHABLE))
async def test_a_change_of_any_column_of_an_execution_is_one_of_its_revision(
    ours: Sample, executions: Executions, database_urls: DatabaseUrls, column: str
) -> None:
    before = await executions.read(ours.tenant, ours.execution.execution_id)

    with psycopg.connect(database_urls.admin) as admin:
        same = f"UPDATE automation_executions SET {column} = {column} WHERE execution_id = %s"
        admin.execute(same.encode(), (ours.execution.execution_id,))

    after = await executions.read(ours.tenant, ours.execution.execution_id, before.revision)
    assert after.revision != before.revision
    assert after.json == before.json


@pytest.mark.parametrize("column", sorted({each.name for each in automation_rules.c} - UNTOUCHABLE))
async def test_a_change_of_any_column_of_a_rule_is_one_of_its_revision(
    ours: Sample, runner: Runner, database_urls: DatabaseUrls, column: str
) -> None:
    before = await runner.rules.get(ours.tenant, ours.rule.rule_id)
    known = await runner.rules.get_unless(ours.tenant, ours.rule.rule_id, before.revision)

    with psycopg.connect(database_urls.admin) as admin:
        same = f"UPDATE automation_rules SET {column} = {column} WHERE rule_id = %s"
        admin.execute(same.encode(), (ours.rule.rule_id,))

    after = await runner.rules.get_unless(ours.tenant, ours.rule.rule_id, before.revision)
    assert (known, after) == (None, replace(before, revision=after.revision if after is not None else ""))
    assert after is not None
    assert after.revision != before.revision


async def test_a_rule_has_another_revision_after_each_change_and_the_same_after_none(runner: Runner) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    states = [rule]

    async def change(made: Awaitable[Any]) -> None:
        await made
        states.append(await runner.rules.get(runner.tenant, rule.rule_id))

    def update(**content: Any) -> Awaitable[Rule]:
        return runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(**content))

    await change(update())
    claim = await runner.claimed(execution)
    await change(runner.runs.mark_rule_error(claim, "It names an action that isn't there."))
    await change(update(name="Another name"))
    await change(update(name="Mended"))
    await runner.runs.finish(claim, ExecutionStatus.COMPLETED)
    await change(runner.rules.delete(runner.tenant, rule.rule_id))

    shown: Mapping[str, Rule] = {each.revision: replace(each, revision="") for each in states}
    assert [each.revision for each in states[:2]] == [rule.revision] * 2
    assert len(shown) == len(states) - 1


async def test_what_is_no_revision_is_known_of_nothing(ours: Sample, executions: Executions) -> None:
    for known in ("", "{}", 'NULL,"', "1,2", "9" * 1000, "\\", "v1-2", "1.1.0.0"):
        read = await executions.read(ours.tenant, ours.execution.execution_id, known)

        assert read.json


async def test_a_revision_is_known_of_its_own_execution_alone(
    ours: Sample, theirs: Sample, executions: Executions
) -> None:
    other = ours.add_execution()
    first = await executions.read(ours.tenant, ours.execution.execution_id)
    second = await executions.read(ours.tenant, other.execution_id)

    assert first.revision != second.revision
    assert (await executions.read(ours.tenant, other.execution_id, first.revision)).json == second.json
    assert (await executions.read(theirs.tenant, theirs.execution.execution_id, first.revision)).json
