"""Events: rules are found along an index however many wait, and an event is published once, whoever does it when."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from automation.domain.errors import TooManyExecutions, TooManyMatches, Unavailable
from automation.domain.events import Event, Receipt, WaitingRule
from automation.domain.labels import MadeLabels
from automation.domain.limits import DEFAULTS, Limit, Limits
from automation.domain.opaque import Opaque
from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import RuleVersion, TriggerType
from automation.storage import events as publishing
from automation.storage.accounts.administration import Administration
from automation.storage.due import Due
from automation.storage.events import FIND, Events, MakeLabels, looked_for
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else, waiting
from tests.storage.plans import explained
from tests.storage.runner import Runner

RULES = 10_000
SOURCE = "https://shop.example/orders"


def an_event(identifier: str | None = None, **members: str) -> Event:
    """Return an event that nobody has seen, or one of an id."""
    said = {"id": identifier or str(uuid4()), "source": SOURCE, "type": "order.created", **members}
    return Event(**said, trigger=Opaque({**said}, '{"type": "order.created"}'))


async def admit(_rule: WaitingRule, _event: Event) -> bool:
    """Admit every event."""
    return True


async def no_labels(_trigger: Mapping[str, Any], _rule: RuleVersion) -> MadeLabels:
    """Make none."""
    return MadeLabels(labels={}, left_out={})


async def publish(
    database: Database,
    runner: Runner,
    *events: Event,
    make_labels: MakeLabels = no_labels,
    limits: Limits = DEFAULTS,
) -> list[Receipt]:
    """Publish events as the tenant's user."""
    return await Events(database, limits).publish(
        runner.tenant,
        runner.sample.user,
        events,
        origin=Origin(kind=TriggerKind.EVENT),
        admits=admit,
        make_labels=make_labels,
    )


async def a_waiting_rule(runner: Runner, *types: str, **content: Any) -> UUID:
    """Create a rule that waits for events of some types."""
    config = {"types": list(types or ["order.created"])}
    rule = await runner.rule(trigger_type=TriggerType.EVENT, trigger_config=config, **content)
    return rule.rule_id


def known(runner: Runner) -> list[dict[str, object]]:
    """Return what is known of the tenant's events."""
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as admin:
        return admin.execute("SELECT * FROM automation_events WHERE tenant = %s", (runner.tenant,)).fetchall()


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
        plan = explained(api, FIND, looked_for(crowd, event), crowd, generic=generic)

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

    async def labels(_trigger: Mapping[str, Any], found: RuleVersion) -> MadeLabels:
        """Change the rule when it is looked at for the first time."""
        asked.append(found.version)
        if len(asked) == 1:
            changed = replace(found.content, labels={"kind": "${trigger.type}"})
            await runner.rules.update(runner.tenant, runner.sample.user, rule, changed, expected=None)
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

    async def labels(_trigger: Mapping[str, Any], found: RuleVersion) -> MadeLabels:
        """Change the rule each time that it is looked at."""
        asked.append(found.version)
        changed = replace(found.content, labels={f"kind{found.version}": "${trigger.type}"})
        await runner.rules.update(runner.tenant, runner.sample.user, rule, changed, expected=None)
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
    monkeypatch.setattr(publishing, "MOST_EXECUTIONS", 3)
    for _ in range(2):
        await a_waiting_rule(runner)
    event = an_event()

    with pytest.raises(TooManyMatches):
        await publish(database, runner, event, an_event())
    (receipt, twice) = await publish(database, runner, event, event)

    assert (len(receipt.started), receipt) == (2, twice)
    assert len(runner.jobs()) == 2


async def test_a_limit_that_is_reached_takes_all_of_it_back(database: Database, runner: Runner) -> None:
    for _ in range(2):
        await a_waiting_rule(runner)

    with pytest.raises(TooManyExecutions):
        await publish(database, runner, an_event(), an_event(), limits={**DEFAULTS, Limit.EXECUTIONS_PER_DAY: 3})

    assert (runner.jobs(), known(runner)) == ([], [])
