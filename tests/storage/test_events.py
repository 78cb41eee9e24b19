"""Events: rules are found along an index however many wait, and an event is published once, whoever does it when."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import TooManyExecutions, TooManyMatches, TooManyPending, TooManyRequests, Unavailable
from automation.domain.events import Event, WaitingRule
from automation.domain.labels import MadeLabels
from automation.domain.limits import DEFAULTS, Limit
from automation.domain.rules import RuleVersion
from automation.storage import events as publishing
from automation.storage import waiting_rules
from automation.storage.accounts.administration import Administration
from automation.storage.due import Due
from automation.storage.pool.database import Database
from automation.storage.pool.transaction import Transaction
from automation.storage.waiting_rules import FIND, looked_for
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else, waiting
from tests.storage.plans import explained
from tests.storage.published import Admitting, a_waiting_rule, an_event, known, publish
from tests.storage.runner import Runner

RULES = 10_000


@pytest.fixture(scope="module")
def crowd(database_urls: DatabaseUrls, administration: Administration) -> UUID:
    """A tenant with ten thousand rules, each of which waits for the orders of another shop, beside one as large."""
    tenants = [administration.create_tenant(f"crowded {number}").tenant for number in range(2)]
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")  # what triggers do is done below, all at once
        admin.execute(
            "INSERT INTO automation_rules (tenant, rule_id, version, created_by, name, status, trigger_type,"
            " trigger_config, conditions, condition_logic, actions, execution_timeout_seconds, concurrency_policy)"
            " SELECT (%s::uuid[])[1 + n %% 2], gen_random_uuid(), 1, gen_random_uuid(), 'Rule', 'active', 'event',"
            " json_build_object('source', 'https://' || n / 2 || '.example/'), '[]', 'and', '[]', 60, 'queue'"
            " FROM generate_series(0, %s) n",
            (tenants, RULES * 2 - 1),
        )
        admin.execute(
            "INSERT INTO automation_event_subscriptions (tenant, type, source, rule_id)"
            " SELECT r.tenant, named.type, r.trigger_config ->> 'source', r.rule_id"
            " FROM automation_rules r, unnest(ARRAY['order.created', 'order.*']) named(type) WHERE r.tenant = ANY (%s)",
            (tenants,),
        )
        admin.execute("ANALYZE automation_rules, automation_event_subscriptions")
    return tenants[0]


@pytest.mark.parametrize("generic", [False, True], ids=["planned for its values", "planned once"])
def test_of_ten_thousand_rules_that_wait_for_a_type_those_of_the_source_are_found_along_the_index(
    crowd: UUID, database_urls: DatabaseUrls, *, generic: bool
) -> None:
    event = an_event(source="https://42.example/orders/1042")

    with psycopg.connect(database_urls.api) as api:
        plan = explained(api, FIND, looked_for(crowd, [event]), crowd, generic=generic)

    (scan,) = (node for node in plan if node.get("Relation Name") == "automation_event_subscriptions")
    assert scan["Index Name"] == "automation_event_subscriptions_pkey"
    assert all(f"({column} =" in scan["Index Cond"] for column in ("tenant", "type", "source"))
    assert scan["Actual Loops"] == len(event.types) * len(event.sources)
    (rules,) = (node for node in plan if node.get("Relation Name") == "automation_rules")
    assert (rules["Index Name"], rules["Actual Loops"]) == ("automation_rules_pkey", 1)
    assert plan[0]["Actual Rows"] == 1


async def test_of_two_requests_with_the_same_event_the_second_waits_and_has_the_receipt_of_the_first(
    database: Database, runner: Runner
) -> None:
    await a_waiting_rule(runner)
    event, receipt = an_event(), f'{{"{uuid4()}": "{uuid4()}"}}'
    async with somebody_else(runner) as other:
        await other.execute(
            "INSERT INTO automation_events (tenant, digest, expires_at, receipt)"
            " VALUES (%s, %s, now() + interval '1 day', %s)",
            (runner.tenant, event.digest, receipt),
        )
        again = await waiting(runner, other, publish(database, runner, event))
        await other.commit()

    (found,) = await again

    assert receipt == "{" + ", ".join(f'"{rule}": "{run}"' for rule, run in found.started.items()) + "}"
    assert runner.jobs() == []


async def test_an_event_is_another_one_when_its_day_is_over(database: Database, runner: Runner) -> None:
    await a_waiting_rule(runner)
    event = an_event()
    (first,) = await publish(database, runner, event)
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("UPDATE automation_events SET expires_at = now() WHERE tenant = %s", (runner.tenant,))

    (again,) = await publish(database, runner, event)
    (seen,) = await publish(database, runner, event)

    assert again.started.keys() == first.started.keys()
    assert again.started != first.started
    assert seen == again
    assert len(known(runner)) == 1


async def test_what_is_known_of_events_goes_when_their_day_is_over(
    database: Database, runner: Runner, due: Due
) -> None:
    await publish(database, runner, *(an_event() for _ in range(4)))
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            "UPDATE automation_events SET expires_at = now() WHERE digest IN"
            " (SELECT digest FROM automation_events WHERE tenant = %s LIMIT 3)",
            (runner.tenant,),
        )

    removed = [await due.prune_events(2) for _ in range(3)]

    assert removed == [2, 1, 0]
    assert len(known(runner)) == 1


async def test_a_rule_whose_labels_changed_after_it_was_found_is_looked_at_anew(
    database: Database, runner: Runner
) -> None:
    rule = await a_waiting_rule(runner, labels={"order": "${trigger.type}"})
    asked: list[int] = []

    async def labels(_event: Event, found: RuleVersion) -> MadeLabels:
        """Change the rule when it is looked at for the first time."""
        asked.append(found.version)
        if len(asked) == 1:
            changed = replace(found.content, labels={"kind": "${trigger.type}"})
            await runner.rules.update(runner.tenant, runner.sample.user, rule, changed)
        return MadeLabels(labels=dict.fromkeys(found.content.labels, "made"), left_out={})

    (receipt,) = await publish(database, runner, an_event(), make_labels=labels)

    assert asked == [1, 2]
    assert (await runner.document(receipt.started[rule]))["labels"] == {"kind": "made"}
    assert len(runner.jobs()) == 1


async def test_a_rule_that_is_changed_each_time_after_it_was_found_keeps_nobody_for_ever(
    database: Database, runner: Runner
) -> None:
    rule = await a_waiting_rule(runner, labels={"order": "${trigger.type}"})
    asked: list[int] = []

    async def labels(_event: Event, found: RuleVersion) -> MadeLabels:
        """Change the rule each time that it is looked at."""
        asked.append(found.version)
        changed = replace(found.content, labels={f"kind{found.version}": "${trigger.type}"})
        await runner.rules.update(runner.tenant, runner.sample.user, rule, changed)
        return MadeLabels(labels={}, left_out={})

    event = an_event()

    with pytest.raises(Unavailable, match="was being changed"):
        await publish(database, runner, event, make_labels=labels)

    assert asked == [1, 2, 3, 4, 5]
    assert (runner.jobs(), known(runner)) == ([], [])
    (receipt,) = await publish(database, runner, event)
    assert list(receipt.started) == [rule]


async def test_more_executions_than_one_request_may_create_are_refused(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_rules, "MOST_EXECUTIONS", 3)
    for _ in range(2):
        await a_waiting_rule(runner)
    event = an_event()

    with pytest.raises(TooManyMatches):
        await publish(database, runner, event, an_event())
    (receipt, twice) = await publish(database, runner, event, event)

    assert (len(receipt.started), receipt) == (2, twice)
    assert len(runner.jobs()) == 2


CONDITIONS = [{"field": "trigger.data", "operator": "exists"}]


async def test_so_many_pairs_of_events_and_rules_are_looked_at_and_not_one_more(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await a_waiting_rule(runner, conditions=CONDITIONS)
    await a_waiting_rule(runner)
    events = [an_event() for _ in range(3)]
    monkeypatch.setattr(waiting_rules, "MOST_PAIRS", 5)
    beyond = Admitting()

    with pytest.raises(TooManyMatches, match="more than 5 pairs"):
        await publish(database, runner, *events, work=beyond)
    refused = (beyond.asked, runner.jobs(), known(runner))
    monkeypatch.setattr(waiting_rules, "MOST_PAIRS", 6)
    work = Admitting()
    receipts = await publish(database, runner, *events, events[0], work=work)

    assert refused == ([], [], [])
    assert len({(rule.rule_id, event.id) for rule, event in work.asked}) == len(work.asked) == 6
    assert [len(receipt.started) for receipt in receipts] == [3, 3, 3, 3]


async def test_no_more_ids_of_rules_are_read_than_there_may_be(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten events that each of four rules waits for are forty, of which one more is read than there may be."""
    for _ in range(4):
        await a_waiting_rule(runner, conditions=CONDITIONS)
    monkeypatch.setattr(waiting_rules, "MOST_PAIRS", 15)
    monkeypatch.setattr(waiting_rules, "MOST_EXECUTIONS", 5)
    wanted: list[tuple[int, int]] = []
    original = looked_for

    def watched(tenant: UUID, events: Sequence[Event], most: int) -> dict[str, object]:
        wanted.append((len(events), most))
        return original(tenant, events, most)

    monkeypatch.setattr(waiting_rules, "looked_for", watched)

    with pytest.raises(TooManyMatches):
        await publish(database, runner, *(an_event() for _ in range(10)))

    assert wanted == [(10, 3), *[(1, most) for most in (21, 17, 13, 9, 5, 1)]]


async def test_a_rule_is_found_however_many_wait_for_the_same_events(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those whose conditions an event doesn't meet are none that it starts: they hide no other one."""
    monkeypatch.setattr(waiting_rules, "MOST_EXECUTIONS", 2)
    monkeypatch.setattr(waiting_rules, "_AT_ONCE", 2)
    rules = sorted([await a_waiting_rule(runner, conditions=CONDITIONS) for _ in range(7)])

    class Last(Admitting):
        async def admitted(self, pairs: Sequence[tuple[WaitingRule, Event]]) -> Sequence[bool]:
            await super().admitted(pairs)
            return [rule.rule_id == rules[-1] for rule, _ in pairs]

    work = Last()
    receipts = await publish(database, runner, an_event(), an_event(), work=work)

    assert [list(receipt.started) for receipt in receipts] == [rules[-1:]] * 2
    assert [rule.rule_id for rule, _ in work.asked] == [rule for rule in rules for _ in range(2)]
    assert len({id(rule) for rule, _ in work.asked}) == 7, "each is read once for all events"


async def test_an_answer_names_so_many_executions_however_often_an_event_is_there(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "MOST_TOLD", 5)
    for _ in range(2):
        await a_waiting_rule(runner)
    event, seen = an_event(), an_event()

    with pytest.raises(TooManyMatches, match="name more than 5"):
        await publish(database, runner, event, event, event)
    refused = (runner.jobs(), known(runner))
    await publish(database, runner, seen)
    (*_, again) = await publish(database, runner, seen, event)
    with pytest.raises(TooManyMatches, match="name more than 5"):
        await publish(database, runner, seen, event, seen)

    assert refused == ([], [])
    assert await publish(database, runner, event, event) == [again, again]


async def test_a_limit_that_is_reached_takes_all_of_it_back(database: Database, runner: Runner) -> None:
    for _ in range(2):
        await a_waiting_rule(runner)

    with pytest.raises(TooManyExecutions):
        await publish(database, runner, an_event(), an_event(), limits={**DEFAULTS, Limit.EXECUTIONS_PER_DAY: 3})

    assert (runner.jobs(), known(runner)) == ([], [])


@pytest.mark.parametrize(
    ("limit", "refusal"), [(Limit.EXECUTIONS_PER_DAY, TooManyExecutions), (Limit.MAX_PENDING, TooManyPending)]
)
async def test_a_limit_holds_however_many_statements_create_what_events_start(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch, limit: Limit, refusal: type[TooManyRequests]
) -> None:
    monkeypatch.setattr(publishing, "_AT_ONCE", 2)
    for _ in range(5):
        await a_waiting_rule(runner)
    most = 5 + (pending(runner) if limit is Limit.MAX_PENDING else 0)

    with pytest.raises(refusal):
        await publish(database, runner, an_event(), limits={**DEFAULTS, limit: most - 1})
    taken_back = (runner.jobs(), known(runner), used(runner))
    (receipt,) = await publish(database, runner, an_event(), limits={**DEFAULTS, limit: most})

    assert taken_back == ([], [], 0)
    assert len(receipt.started) == used(runner) == len(runner.jobs()) == 5
    with pytest.raises(refusal):
        await publish(database, runner, an_event(), limits={**DEFAULTS, limit: most})


async def test_no_statement_creates_more_than_it_has_time_for(
    database: Database, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own time; five hundred at once took longer than one may as soon as others did the same."""
    monkeypatch.setattr(publishing, "_AT_ONCE", 2)
    for _ in range(3):
        await a_waiting_rule(runner)
    statements = []

    class Watched(Transaction):
        async def fetch_all(self, query: bytes, parameters: Any, rows: Any) -> list[Any]:
            if b"publish_events" in query:
                statements.append(len(parameters["places"]))
            return await super().fetch_all(query, parameters, rows)

    monkeypatch.setattr("automation.storage.pool.database.Transaction", Watched)

    await publish(database, runner, an_event(), an_event())

    assert statements == [2, 2, 2]


@pytest.mark.parametrize("opposite", [False, True])
async def test_keys_are_locked_in_one_order_whichever_event_has_them(
    database: Database, runner: Runner, *, opposite: bool
) -> None:
    """Two requests would else wait for each other for ever, each for the key that the other has locked."""
    rule = await a_waiting_rule(runner, deduplication_key="${trigger.type}")

    async def keys(event: Event, _rule: RuleVersion) -> MadeLabels:
        return MadeLabels(labels={}, left_out={}, keys={"deduplication_key": event.id})

    names = [f"key {number}" for number in range(5)]
    async with somebody_else(runner) as other, somebody_else(runner) as third:
        first, *later = await in_order_of_locks(other, rule, names)
        await other.execute(LOCK_KEY, (rule, first))
        events = [an_event(name) for name in ([*later, first] if opposite else [first, *later])]
        work = await waiting(runner, other, publish(database, runner, *events, make_labels=keys))
        free = [await (await third.execute(TRY_KEY, (rule, name))).fetchone() for name in later]
        await third.rollback()
        await other.rollback()
        receipts = await work

    assert free == [(True,)] * 4
    assert len({receipt.started[rule] for receipt in receipts}) == 5


LOCK_KEY = "SELECT pg_advisory_xact_lock(hashtextextended(concat(%s::uuid, ' ', %s::text), 1))"
TRY_KEY = "SELECT pg_try_advisory_xact_lock(hashtextextended(concat(%s::uuid, ' ', %s::text), 1))"


async def in_order_of_locks(connection: psycopg.AsyncConnection[Any], rule: UUID, keys: list[str]) -> list[str]:
    """Return keys in the order in which they are locked."""
    rows = await connection.execute(
        "SELECT key FROM unnest(%s::text[]) key ORDER BY hashtextextended(concat(%s::uuid, ' ', key), 1)", (keys, rule)
    )
    return [key for (key,) in await rows.fetchall()]


def used(runner: Runner) -> int:
    """Return how many executions the tenant has asked for today."""
    query = "SELECT coalesce(sum(used), 0) FROM tenant_usage WHERE tenant = %s AND name = 'executions_per_day'"
    return counted(runner, query)


def pending(runner: Runner) -> int:
    """Return how many executions of the tenant are pending."""
    return counted(runner, "SELECT count(*) FROM automation_executions WHERE tenant = %s AND status = 'pending'")


def counted(runner: Runner, query: LiteralString) -> int:
    """Return a number of the tenant's."""
    with psycopg.connect(runner.urls.admin) as admin:
        (count,) = admin.execute(query, (runner.tenant,)).fetchone() or (0,)
    return int(count)
