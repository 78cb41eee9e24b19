"""Events as a tenant publishes them, the rules that wait for them, and what is known of them then."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
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
from automation.storage.events import Events
from automation.storage.pool.database import Database
from automation.storage.waiting_rules import Work
from tests.storage.runner import Runner

MakeLabels = Callable[[Event, RuleVersion], Awaitable[MadeLabels]]

SOURCE = "https://shop.example/orders"


def an_event(identifier: str | None = None, **members: str) -> Event:
    """Return an event that nobody has seen, or one of an id."""
    said = {"id": identifier or str(uuid4()), "source": SOURCE, "type": "order.created", **members}
    return Event(**said, trigger=Opaque({**said}, '{"type": "order.created"}'))


async def no_labels(_event: Event, _rule: RuleVersion) -> MadeLabels:
    """Make none."""
    return MadeLabels(labels={}, left_out={})


class Admitting:
    """Work that admits every event, and remembers what it was asked.

    Args:
        make_labels: Makes the labels of rules.
    """

    def __init__(self, make_labels: MakeLabels = no_labels) -> None:
        self._make_labels = make_labels
        self.asked: list[tuple[WaitingRule, Event]] = []

    async def __aenter__(self) -> "Admitting":
        return self

    async def __aexit__(self, *_raised: object) -> None:
        """Leave nothing behind."""

    def storing(self) -> AbstractAsyncContextManager[None]:
        """Let it be stored at once."""
        return nullcontext()

    async def admitted(self, pairs: Sequence[tuple[WaitingRule, Event]]) -> Sequence[bool]:
        """Admit all."""
        self.asked += pairs
        return [True] * len(pairs)

    async def labels(self, event: Event, rule: RuleVersion) -> MadeLabels:
        """Have labels made."""
        return await self._make_labels(event, rule)


async def publish(
    database: Database,
    runner: Runner,
    *events: Event,
    make_labels: MakeLabels = no_labels,
    limits: Limits = DEFAULTS,
    work: Work | None = None,
) -> list[Receipt]:
    """Publish events as the tenant's user."""
    return await Events(database, limits).publish(
        runner.tenant,
        runner.sample.user,
        events,
        origin=Origin(kind=TriggerKind.EVENT),
        work=work or Admitting(make_labels),
    )


async def a_waiting_rule(
    runner: Runner, *types: str, conditions: Sequence[Mapping[str, object]] = (), **content: Any
) -> UUID:
    """Create a rule that waits for events of some types, and for those alone that meet its trigger's conditions."""
    config = {"types": list(types or ["order.created"]), **({"conditions": conditions} if conditions else {})}
    rule = await runner.rule(trigger_type=TriggerType.EVENT, trigger_config=config, **content)
    return rule.rule_id


def known(runner: Runner) -> list[dict[str, object]]:
    """Return what is known of the tenant's events."""
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as admin:
        return admin.execute("SELECT * FROM automation_events WHERE tenant = %s", (runner.tenant,)).fetchall()
