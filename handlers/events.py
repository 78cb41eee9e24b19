"""The operations of the tag Events."""

from dataclasses import replace
from functools import partial
from typing import Any

from automation.contract.compiled.links import Links
from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.serving.reply import Reply
from automation.domain.events import Event, Receipt
from automation.domain.labels import MadeLabels
from automation.domain.origin import Origin, TriggerKind
from automation.domain.principal import Principal
from automation.domain.rules import RuleVersion
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.triggers import EventReader
from automation.engine.triggers.input_places import of_event, refused_as_sent
from automation.storage.events import Events


async def publish_automation_event(
    body: RawBody | None,
    *,
    principal: Principal,
    origin: Origin,
    event_reader: EventReader,
    events: Events,
    rule_desk: RuleDesk,
    links: Links,
) -> Reply:
    """Create an execution of each rule that waits for what was published."""

    async def labels(event: Event, rule: RuleVersion) -> MadeLabels:
        with refused_as_sent(rule.rule_id, of_event(event)):
            return await rule_desk.labels(rule, event.trigger)

    receipts = await events.publish(
        principal.tenant,
        principal.user,
        event_reader.read(body),
        origin=replace(origin, kind=TriggerKind.EVENT),
        admits=partial(rule_desk.admits, principal.tenant),
        make_labels=labels,
    )
    return Reply({"data": [_item(receipt, links) for receipt in receipts]}, status=202)


def _item(receipt: Receipt, links: Links) -> dict[str, Any]:
    return {
        "id": receipt.event.id,
        "source": receipt.event.source,
        "executions": [
            {
                "automation_rule_id": rule,
                "execution_id": execution,
                "_links": {"self": links.link("getAutomationExecution", id=execution)},
            }
            for rule, execution in receipt.started.items()
        ],
    }
