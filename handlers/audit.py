"""The operations of the tag Audit."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson

from automation.contract.compiled.links import Links
from automation.contract.serving.reply import Reply
from automation.domain.audit import AuditEvent, AuditFilter
from automation.domain.pages import given
from automation.domain.principal import Principal
from automation.storage.audit_log import AuditLog
from handlers.pages import Lists, PagedList, Paging


async def list_audit_events(
    *,
    action: list[str] | None,
    outcome: str | None,
    actor: str | None,
    user_id: UUID | None,
    resource_type: str | None,
    resource_id: str | None,
    created_from: datetime | None,
    created_to: datetime | None,
    sort: str,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    include_total: bool,
    principal: Principal,
    audit_log: AuditLog,
    lists: Lists,
) -> Reply:
    """Return a page of what was done in the principal's tenant, and by whom."""
    wanted = AuditFilter(
        action=tuple(action or ()),
        outcome=outcome,
        actor=actor,
        user_id=user_id,
        resource_type=resource_type,
        resource_id=resource_id,
        created_from=created_from,
        created_to=created_to,
    )
    paging = Paging(limit, cursor, if_none_match, sort, include_total)
    listed = PagedList(lists, "listAuditEvents", given(wanted), paging, principal)
    return await listed.reply(partial(audit_log.page, principal.tenant, wanted), _item)


def _item(event: AuditEvent, _links: Links) -> bytes:
    return orjson.dumps(asdict(event), option=orjson.OPT_UTC_Z)
