"""The operations of the tag Events."""

from dataclasses import replace
from typing import Any

from automation.contract.compiled.links import Links
from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.serving.connection import Connection
from automation.contract.serving.reply import Reply
from automation.domain.events import Receipt
from automation.domain.origin import Origin, TriggerKind
from automation.domain.principal import Principal
from automation.engine.rules.event_desk import EventDesk
from automation.engine.triggers import EventReader
from automation.storage.events import Events


async def publish_automation_event(
    body: RawBody | None,
    *,
    principal: Principal,
    origin: Origin,
    connection: Connection,
    event_reader: EventReader,
    events: Events,
    event_desk: EventDesk,
    links: Links,
) -> Reply:
    """Create an execution of each rule that waits for what was published."""
    receipts = await events.publish(
        principal.tenant,
        principal.user,
        event_reader.read(body),
        origin=replace(origin, kind=TriggerKind.EVENT),
        work=event_desk.request(principal.tenant, connection.ended),
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
