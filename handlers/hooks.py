"""The operations of the tag Hooks."""

import time
from typing import Any
from uuid import UUID

from automation.contract.compiled.links import Links
from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.serving.connection import Connection
from automation.contract.serving.reply import Reply
from automation.contract.serving.request_head import RequestHead
from automation.domain.hooks import OVERLAP_SECONDS, Hook
from automation.domain.labels import MadeLabels
from automation.domain.origin import Origin, TriggerKind
from automation.domain.principal import Principal
from automation.domain.rules import RuleVersion
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.triggers.input_places import of_delivery, refused_as_sent
from automation.engine.triggers.waiting import Waiting
from automation.engine.triggers.webhook import WAIT, delivery_of, trigger_of
from automation.storage.executions import Executions
from automation.storage.hooks import RuleHooks
from handlers.presentation import delivery_ended
from handlers.rule_presentation import new_hook

_ENDED, _ACCEPTED = 200, 202


async def receive_webhook(
    query: dict[str, Any],
    body: RawBody | None,
    *,
    hook: Hook,
    head: RequestHead,
    connection: Connection,
    executions: Executions,
    rule_desk: RuleDesk,
    waiting: Waiting,
    links: Links,
) -> Reply:
    """Create an execution of what was sent, unless that came before; where the hook wants it, wait for its end."""
    delivery = delivery_of(hook, head, body, time.time())
    trigger = trigger_of(hook.config, head, query, body)

    async def labels(rule: RuleVersion) -> MadeLabels:
        with refused_as_sent(rule.rule_id, of_delivery):
            return await rule_desk.labels(rule, trigger)

    execution = await executions.create(
        hook.tenant,
        None,
        hook.rule_id,
        trigger_data=trigger,
        origin=Origin(kind=TriggerKind.WEBHOOK, request_id=head.request_id),
        delivery=delivery,
        make_labels=labels,
    )
    location = {"Location": links.href("getAutomationExecution", id=execution.execution_id)}
    if hook.config.get("respond") == WAIT:
        ended = await waiting.end_of(hook.tenant, execution.execution_id, connection.ended)
        if ended is not None:
            return Reply({"data": delivery_ended(ended)}, status=_ENDED, headers=location)
    started = {"execution_id": execution.execution_id, "status": execution.status}
    return Reply({"data": started}, status=_ACCEPTED, headers=location)


async def rotate_automation_hook(
    id: UUID, body: dict[str, Any] | None, *, principal: Principal, rule_hooks: RuleHooks, links: Links
) -> dict[str, Any]:
    """Give the hook of a rule a new token."""
    overlap = (body or {}).get("overlap_seconds", OVERLAP_SECONDS)
    token, ends = await rule_hooks.rotate(principal.tenant, id, overlap)
    return {"data": {"rule_id": id, "previous_token_ends_at": ends}, "hook": new_hook(token, links)}
