"""Lines of the audit log are written with what was done: both, or neither, and in no round trip more."""

import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from automation.domain.audit import AuditFilter, AuditOutcome, AuditResource, Deed, Refusal
from automation.domain.errors import ExecutionFinished, RuleInUse, Unavailable
from automation.domain.pages import PageRequest
from automation.domain.repetition import Answer, RepeatableRequest
from automation.storage.answers import Answers
from automation.storage.audit_log import AuditLog
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.pool.trail import trailing
from automation.storage.rules import Rules
from tests.databases import DatabaseUrls
from tests.storage.roles import Connection, enter
from tests.storage.round_trips import counting_proxy
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_content

ANSWER = Answer(202, (), b"{}")


def request_of(runner: Runner) -> RepeatableRequest:
    """Return a request that nobody has sent yet."""
    return RepeatableRequest(runner.tenant, runner.sample.user, str(uuid4()), (b"d" * 32,))


def deed_of(runner: Runner, action: str = "executeAutomationRule") -> Deed:
    """Return what a user of the runner's tenant does."""
    return Deed(
        tenant=runner.tenant,
        user=runner.sample.user,
        key_prefix="ak_12345678",
        action=action,
        resource_type=AuditResource.RULE,
        resource_id=None,
        client_address="192.0.2.1",
        request_id=str(uuid4()),
    )


@pytest.fixture
def audit_log(database: Database) -> AuditLog:
    return AuditLog(database)


async def lines_of(audit_log: AuditLog, deed: Deed) -> list[tuple[str, str | None, AuditOutcome]]:
    """Return what lines of a deed there are, the newest first."""
    page = await audit_log.page(deed.tenant, AuditFilter(), PageRequest(100))
    return [(e.resource_type, e.resource_id, e.outcome) for e in page.items if e.request_id == deed.request_id]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
def test_the_api_can_only_add_to_it(ours: Sample, api: Connection, statement: str) -> None:
    enter(api, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement)


def test_the_api_adds_nothing_to_another_tenants(ours: Sample, theirs: Sample, api: Connection) -> None:
    enter(api, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        api.execute(
            "INSERT INTO audit_events (tenant, event_id, action, outcome, actor, resource_type)"
            " VALUES (%s, gen_random_uuid(), 'x', 'done', 'user', 'rule')",
            (theirs.tenant,),
        )


async def test_what_is_refused_or_taken_back_leaves_no_line(
    audit_log: AuditLog, runner: Runner, rules: Rules, executions: Executions
) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    cancelling, deleting = deed_of(runner), deed_of(runner)

    with trailing(deleting), pytest.raises(RuleInUse):
        await rules.delete(runner.tenant, rule.rule_id)
    await runner.failed(execution=execution)
    with trailing(cancelling), pytest.raises(ExecutionFinished):
        await executions.cancel(runner.tenant, execution)

    assert await lines_of(audit_log, deleting) == []
    assert await lines_of(audit_log, cancelling) == []


async def test_a_change_without_its_line_is_not_made(
    runner: Runner, rules: Rules, executions: Executions, database_urls: DatabaseUrls
) -> None:
    rule, before = await runner.rule(), len(runner.jobs())
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("LOCK TABLE audit_events IN SHARE MODE")

        with trailing(deed_of(runner)), pytest.raises(Unavailable):
            await rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="x"))
        with trailing(deed_of(runner)), pytest.raises(Unavailable):
            await runner.execute(rule)

    assert (await rules.get(runner.tenant, rule.rule_id)).version == 1
    assert len(runner.jobs()) == before


async def test_under_a_key_the_line_is_written_with_the_answer(
    audit_log: AuditLog, runner: Runner, database: Database
) -> None:
    answers, deed = Answers(database, kept=timedelta(hours=1)), deed_of(runner)
    rule, made = await runner.rule(), []

    async def do() -> Answer:
        made.append(await runner.execute(rule))
        return ANSWER

    with trailing(deed):
        await answers.once(request_of(runner), do)

    assert await lines_of(audit_log, deed) == [("execution", str(made[0]), AuditOutcome.DONE)]


async def test_a_line_costs_no_round_trip(runner: Runner, database_urls: DatabaseUrls) -> None:
    rule = await runner.rule()
    async with counting_proxy(database_urls.api) as proxy:
        pool = Database(proxy.url, pool_min=1, pool_max=1, pool_timeout=2, query_timeout=2, application_name="trips")
        await pool.open()
        answers, executions, rules = Answers(pool, kept=timedelta(hours=1)), Executions(pool), Rules(pool)

        async def execute() -> Answer:
            who = (runner.tenant, runner.sample.user)
            await executions.create(*who, rule.rule_id, trigger_data={}, override_conditions=False)
            return ANSWER

        async def change() -> object:
            content = a_content(name=str(uuid4()))
            return await rules.update(runner.tenant, runner.sample.user, rule.rule_id, content)

        async def execute_once() -> object:
            return await answers.once(request_of(runner), execute)

        async def trips(do: Callable[[], Awaitable[object]], deed: Deed | None) -> int:
            with trailing(deed) if deed else nullcontext():
                await do()  # the first use of a statement on a connection prepares it, which is a trip more
                before = proxy.round_trips
                await do()
                return proxy.round_trips - before

        doing = (execute, change, execute_once)
        bare = [await trips(each, None) for each in doing]
        recorded = [await trips(each, deed_of(runner)) for each in doing]
        await pool.close()

    assert recorded == bare


async def test_refusals_of_several_tenants_are_written_at_once(
    audit_log: AuditLog, runner: Runner, theirs: Sample
) -> None:
    own = deed_of(runner)
    others = Deed(**{name: getattr(own, name) for name in Deed.__slots__} | {"tenant": theirs.tenant})

    await audit_log.record_refusals(
        [Refusal(deed=each, code="rule_in_use", at=time.monotonic() - 3600) for each in (own, others)]
    )

    for deed in (own, others):
        assert await lines_of(audit_log, deed) == [("rule", None, AuditOutcome.REFUSED)]
    (event,) = (await audit_log.page(theirs.tenant, AuditFilter(outcome="refused"), PageRequest(5))).items
    newest = (await audit_log.page(theirs.tenant, AuditFilter(), PageRequest(1))).items
    assert (event.code, event.client_address) == ("rule_in_use", "192.0.2.1")
    assert event not in newest
