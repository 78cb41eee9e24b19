"""Events as a tenant publishes them, the rules that wait for them, and what is known of them then."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from automation.domain.events import Event, Receipt, WaitingRule
from automation.domain.labels import MadeLabels
from automation.domain.limits import DEFAULTS, Limits
from automation.domain.opaque import Opaque
from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import RuleVersion, TriggerType
from automation.storage.events import Events, MakeLabels
from automation.storage.pool.database import Database
from tests.storage.runner import Runner

SOURCE = "https://shop.example/orders"


def an_event(identifier: str | None = None, **members: str) -> Event:
    """Return an event that nobody has seen, or one of an id."""
    said = {"id": identifier or str(uuid4()), "source": SOURCE, "type": "order.created", **members}
    return Event(**said, trigger=Opaque({**said}, '{"type": "order.created"}'))


async def admit(_rule: WaitingRule, _event: Event) -> bool:
    """Admit every event."""
    return True


async def no_labels(_event: Event, _rule: RuleVersion) -> MadeLabels:
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
