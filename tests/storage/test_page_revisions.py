"""A page's revision is another one after each change of what is on it or of where it leads, and the same after none."""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from automation.domain.audit import AuditFilter, AuditResource, Deed, Refusal
from automation.domain.errors import AutomationError
from automation.domain.executions import ExecutionFilter, ExecutionStatus
from automation.domain.pages import Page, PageRequest, known_page
from automation.domain.rules import RuleFilter
from automation.storage import walks
from automation.storage.audit_log import AuditLog
from automation.storage.audit_table import audit_events
from automation.storage.execution_list import ExecutionList, statements_of
from automation.storage.pool.database import Database
from automation.storage.rule_list import RuleList
from automation.storage.rule_versions import RuleVersions
from automation.storage.secrets.secrets import Secrets
from automation.storage.tables import automation_executions, automation_rule_versions, automation_rules
from tests.databases import DatabaseUrls
from tests.secret_keys import KEYRING
from tests.storage.runner import Runner, entry, told
from tests.storage.samples import a_content

STEPS = 30
VALUE = "a value of a secret"
Read = Callable[[PageRequest], Awaitable[Page[Any]]]
Happening = Callable[[], Awaitable[Any]]


@dataclass
class Pages:
    """Some pages of a list, and what was seen of each under every revision."""

    read: Read
    requests: Sequence[PageRequest]
    seen: dict[tuple[PageRequest, str], Page[Any]] = field(default_factory=dict)

    @classmethod
    async def of(cls, read: Read) -> "Pages":
        """Return the first pages of a list, as it is read from both ends, and those around them."""
        first, counted = PageRequest(2), PageRequest(1, include_total=True)
        page = await read(first)
        second = replace(first, cursor=page.next)
        back = replace(first, cursor=(await read(second)).previous)
        return cls(read, [first, counted, second, replace(second, limit=50), back, replace(back, include_total=True)])

    async def look(self) -> None:
        """Read them, as a client who knows nothing and as one who knows them as they are."""
        for request in self.requests:
            page = await self.read(request)
            assert self.seen.setdefault((request, page.revision), page) == page
            assert await self.read(replace(request, known=page.revision)) == known_page(page.revision)

    def states(self) -> int:
        return len(self.seen) // len(self.requests)


def refusal(runner: Runner) -> Refusal:
    """Return a refusal of what a user of the runner's tenant wanted."""
    deed = Deed(
        tenant=runner.tenant,
        user=runner.sample.user,
        key_prefix="ak_12345678",
        action="executeAutomationRule",
        resource_type=AuditResource.RULE,
        resource_id=None,
        client_address="192.0.2.1",
        request_id=str(uuid4()),
    )
    return Refusal(deed=deed, code="rule_not_found", at=time.monotonic())


async def live(chance: random.Random, happenings: Sequence[Happening], *lists: Pages) -> None:
    """Have things happen in a random order, and look at the lists after each."""
    for _ in range(STEPS):
        try:
            await chance.choice(happenings)()
        except (AutomationError, LookupError):
            continue
        for pages in lists:
            await pages.look()


@pytest.mark.parametrize("seed", range(2))
async def test_no_two_states_of_a_page_of_executions_have_one_revision(
    runner: Runner, database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # So short that pages end before what they are asked for.
    monkeypatch.setattr(walks, "BUDGET", 4)
    monkeypatch.setattr(walks, "SHORTEST", 2)
    chance = random.Random(seed)  # noqa: S311 - repeatable
    rule = await runner.rule(labels={"env": "prod"})
    made = [await runner.execute(rule) for _ in range(5)]
    attempts = dict.fromkeys(made, 1)

    async def create() -> None:
        made.append(await runner.execute(rule))
        attempts[made[-1]] = 1

    async def begin() -> None:
        execution = chance.choice(made)
        await runner.claim(execution, attempt=attempts[execution])

    async def end() -> None:
        execution = chance.choice(made)
        claim = await runner.claim(execution, attempt=attempts[execution])
        if claim is None:
            raise LookupError
        await runner.runs.log(claim, told(entry()))
        await runner.runs.finish(claim, chance.choice((ExecutionStatus.FAILED, ExecutionStatus.COMPLETED)))

    async def retry() -> None:
        execution = chance.choice(made)
        await runner.executions.retry(runner.tenant, execution, retry_from="start")
        attempts[execution] += 1

    async def cancel() -> None:
        await runner.executions.cancel(runner.tenant, chance.choice(made))

    async def delete() -> None:
        await runner.executions.delete(runner.tenant, chance.choice(made))

    listed = ExecutionList(database)
    wanted = [
        ExecutionFilter(),
        ExecutionFilter(status=("pending", "failed")),
        ExecutionFilter(label=("env:prod",), attempt_min=1),
        ExecutionFilter(attempt_min=2),
    ]
    lists = [await Pages.of(partial(listed.page, runner.tenant, each)) for each in wanted]
    await live(chance, [create, begin, end, end, retry, cancel, delete], *lists)

    assert all(pages.states() > STEPS / 20 for pages in lists)


@pytest.mark.parametrize("seed", range(2))
async def test_no_two_states_of_a_page_of_rules_or_of_versions_have_one_revision(
    runner: Runner, database: Database, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    made = [(await runner.rule()).rule_id for _ in range(5)]

    async def create() -> None:
        made.append((await runner.rule()).rule_id)

    async def change(rule: UUID | None = None) -> None:
        content = a_content(name=f"Rule {chance.randrange(5)}")
        await runner.rules.update(runner.tenant, runner.sample.user, rule or chance.choice(made), content)

    async def delete() -> None:
        await runner.rules.delete(runner.tenant, chance.choice(made[1:]))

    for _ in range(3):
        await change(made[0])
    listed, versions = RuleList(database), RuleVersions(database)
    wanted = [RuleFilter(deleted=False), RuleFilter(deleted=True), RuleFilter(deleted=False, name="Rule 1")]
    lists = [await Pages.of(partial(listed.page, runner.tenant, each)) for each in wanted]
    of_versions = await Pages.of(partial(versions.page, runner.tenant, made[0]))
    await live(chance, [create, change, partial(change, made[0]), delete], *lists, of_versions)

    assert lists[0].states() > STEPS / 10
    assert of_versions.states() > 1


@pytest.mark.parametrize("seed", range(2))
async def test_no_two_states_of_a_page_of_secrets_have_one_revision(
    runner: Runner, database: Database, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    secrets = Secrets(database, KEYRING)

    async def put() -> None:
        await secrets.put(runner.tenant, uuid4(), f"S{chance.randrange(8)}", VALUE)

    async def delete() -> None:
        await secrets.delete(runner.tenant, f"S{chance.randrange(8)}")

    for number in range(5):
        await secrets.put(runner.tenant, runner.sample.user, f"S{number}", VALUE)
    pages = await Pages.of(partial(secrets.page, runner.tenant))
    await live(chance, [put, put, delete], pages)

    assert pages.states() > STEPS / 10


async def test_no_two_states_of_a_page_of_audit_events_have_one_revision(runner: Runner, database: Database) -> None:
    chance = random.Random(1)  # noqa: S311 - repeatable
    audit_log = AuditLog(database)

    async def refuse() -> None:
        await audit_log.record_refusals([refusal(runner)])

    async def forget() -> None:
        with psycopg.connect(runner.urls.admin) as admin:
            admin.execute(
                "DELETE FROM audit_events WHERE event_id = (SELECT event_id FROM audit_events WHERE tenant = %s"
                " ORDER BY created_at LIMIT 1)",
                (runner.tenant,),
            )

    for _ in range(5):
        await refuse()
    pages = await Pages.of(partial(audit_log.page, runner.tenant, AuditFilter()))
    await live(chance, [refuse, refuse, forget], pages)

    assert pages.states() > STEPS / 10


async def test_a_change_of_any_column_is_one_of_the_page(
    runner: Runner, database: Database, database_urls: DatabaseUrls
) -> None:
    rule = await runner.rule(labels={"env": "prod"})
    execution = await runner.execute(rule)
    audit_log = AuditLog(database)
    await audit_log.record_refusals([refusal(runner)])
    labelled = ExecutionFilter(label=("env:prod",))
    lists: list[tuple[Any, Read]] = [
        (automation_executions, partial(ExecutionList(database).page, runner.tenant, ExecutionFilter())),
        (automation_executions, partial(ExecutionList(database).page, runner.tenant, labelled)),
        (automation_executions, partial(runner.executions.attempts, runner.tenant, execution)),
        (automation_rules, partial(RuleList(database).page, runner.tenant, RuleFilter(deleted=False))),
        (automation_rule_versions, partial(RuleVersions(database).page, runner.tenant, rule.rule_id)),
        (audit_events, partial(audit_log.page, runner.tenant, AuditFilter())),
    ]

    with psycopg.connect(database_urls.admin, autocommit=True) as admin:
        for table, read in lists:
            for column in {each.name for each in table.c}:
                before = await read(PageRequest(50))
                same = f'UPDATE {table.name} SET "{column}" = "{column}" WHERE tenant = %s'
                admin.execute(same.encode(), (runner.tenant,))
                after = await read(PageRequest(50, known=before.revision))

                assert after.revision != before.revision, (table.name, column)
                assert after.items == before.items
                assert after.items


async def test_the_database_makes_nothing_of_a_page_that_is_known(runner: Runner, database: Database) -> None:
    await runner.execute()
    wanted = ExecutionFilter()
    page = await ExecutionList(database).page(runner.tenant, wanted, PageRequest(2))

    made, values = statements_of(runner.tenant, wanted, PageRequest(2, known=page.revision))
    ((*rows,),) = await database.read(runner.tenant, (made.page, values), rows=dict_row)

    assert len(rows) == 2
    assert {(row["document"], row["status"], row["automation_rule_id"]) for row in rows} == {(None, None, None)}


async def test_what_is_no_revision_is_known_of_no_page(runner: Runner, database: Database) -> None:
    await runner.execute()
    read = partial(ExecutionList(database).page, runner.tenant, ExecutionFilter())
    page = await read(PageRequest(2))
    rows, rest = page.revision.split(walks.REST)

    for known in ("", ".", "none", rows, f"{rows}.", f".{rest}", f"none.{rest}", f"{rows}.{rest[1:]}", "\\", "'"):
        assert await read(PageRequest(2, known=known)) == page
