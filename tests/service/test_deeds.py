"""Deeds: what a request does and to what, by whom, and which refusals and deliveries of them are noted."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from starlette.types import Receive, Scope, Send

from automation.contract.compiled.contract import Contract
from automation.contract.serving.connexion_adapter import CONTEXT, ENDPOINT, ROUTING_CONTEXT
from automation.contract.serving.endpoint import endpoint
from automation.contract.serving.request_context import ARGUMENTS, REQUEST_ID, note_hook, note_problem
from automation.domain.audit import AuditResource, Deed, Refusal
from automation.domain.errors import OutcomeUnknown, Unavailable
from automation.domain.hooks import Hook
from automation.domain.principal import Principal
from automation.service.deeds import Deeds
from automation.service.deliveries import Deliveries
from automation.service.http.client_addresses import ClientAddresses
from automation.service.refusals import STATUSES, Refusals
from automation.storage.pool.trail import TRAIL
from tests.shipped_contract.shipped import DOCUMENT

SHIPPED = Contract(DOCUMENT)
DEEDS = Deeds(SHIPPED.operations.values(), ClientAddresses())
THING = "0000000A-0000-0000-0000-00000000000B"
CALLER = Principal(UUID(int=1), UUID(int=2), frozenset(), "ak_12345678")
HOOK = Hook(tenant=UUID(int=1), rule_id=UUID(int=3), config={})


def scope_of(path_params: Mapping[str, object], **extensions: Any) -> dict[str, Any]:
    return {
        "client": ("192.0.2.1", 50000),
        "headers": [],
        "path_params": path_params,
        "extensions": {REQUEST_ID: "one", **extensions},
    }


def done_by_caller(action: str, kind: AuditResource, name: str | None) -> Deed:
    return Deed(
        tenant=CALLER.tenant,
        user=CALLER.user,
        key_prefix="ak_12345678",
        action=action,
        resource_type=kind,
        resource_id=name,
        client_address="192.0.2.1",
        request_id="one",
    )


DELIVERED = Deed(
    tenant=HOOK.tenant,
    user=None,
    key_prefix=None,
    action="receiveWebhook",
    resource_type=AuditResource.RULE,
    resource_id=str(HOOK.rule_id),
    client_address="192.0.2.1",
    request_id="one",
)
NAMED: list[tuple[str, Mapping[str, object], AuditResource, str | None]] = [
    ("publishAutomationEvent", {}, AuditResource.TENANT, None),
    ("cancelAutomationExecutions", {}, AuditResource.EXECUTION, None),
    ("retryAutomationExecution", {"id": THING}, AuditResource.EXECUTION, THING.lower()),
    ("deleteAutomationExecution", {"id": UUID(THING)}, AuditResource.EXECUTION, THING.lower()),
    ("createAutomationRule", {}, AuditResource.RULE, None),
    ("rotateAutomationHook", {"id": THING}, AuditResource.RULE, THING.lower()),
    ("deleteAutomationRule", {"id": "no id"}, AuditResource.RULE, None),
    ("deleteAutomationRule", {}, AuditResource.RULE, None),
    ("putAutomationSecret", {"name": "MAIL_PASSWORD"}, AuditResource.SECRET, "MAIL_PASSWORD"),
    ("putAutomationSecret", {"name": "no name"}, AuditResource.SECRET, None),
    ("putAutomationSecret", {"name": 7}, AuditResource.SECRET, None),
    ("putAutomationSecret", {}, AuditResource.SECRET, None),
]


@pytest.mark.parametrize(("action", "given", "kind", "name"), NAMED)
def test_a_write_is_done_to_what_its_path_names(
    action: str, given: Mapping[str, object], kind: AuditResource, name: str | None
) -> None:
    assert DEEDS.deed(scope_of(given), action, CALLER) == done_by_caller(action, kind, name)


def test_what_was_read_of_a_path_counts_before_what_stands_there() -> None:
    scope = {**scope_of({"id": "no id"}), ARGUMENTS: {"id": THING}}

    found = DEEDS.deed(scope, "deleteAutomationRule", CALLER)

    assert found == done_by_caller("deleteAutomationRule", AuditResource.RULE, THING.lower())


def test_what_only_reads_does_nothing() -> None:
    reads = [each.operation_id for each in SHIPPED.operations.values() if each.method == "GET"]

    assert reads
    assert [DEEDS.deed(scope_of({"id": THING}), each, CALLER) for each in reads] == [None] * len(reads)


class Log:
    """Where refusals are written."""

    def __init__(self) -> None:
        self.written: list[Refusal] = []

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        self.written += refusals


async def unreached(_scope: Any) -> Any:
    raise AssertionError


def routed(operation_id: str) -> dict[str, Any]:
    return {ROUTING_CONTEXT: {ENDPOINT: endpoint(SHIPPED, SHIPPED.operations[operation_id], unreached)}}


KNOWN = {CONTEXT: {"token_info": {"principal": CALLER}}}
DELETED = done_by_caller("deleteAutomationRule", AuditResource.RULE, THING.lower())


async def seen(scope: dict[str, Any], *statuses: int) -> list[Refusal]:
    log = Log()
    refusals = Refusals(log, DEEDS, period=3600)  # type: ignore[arg-type]  # as much of an audit log as is needed
    note_problem(scope, "rule_in_use")
    for status in statuses:
        refusals.see(scope, status)
    await refusals.flush()
    return log.written


async def test_what_somebody_was_kept_from_is_noted_and_nothing_else() -> None:
    scope = scope_of({"id": THING}, **routed("deleteAutomationRule"), **KNOWN)
    noted = [status for status in range(400, 600) if await seen(scope, status)]

    (refusal,) = await seen(scope, 409)

    assert noted == sorted(STATUSES) == [403, 404, 409, 412, 422]
    assert (refusal.deed, refusal.code) == (DELETED, "rule_in_use")


async def test_what_a_hook_was_kept_from_is_noted_as_a_delivery() -> None:
    scope = scope_of({}, **routed("receiveWebhook"))
    note_hook(scope, HOOK)

    assert [each.deed for each in await seen(scope, 422)] == [DELIVERED]


@pytest.mark.parametrize(
    "extensions", [{}, KNOWN, routed("deleteAutomationRule"), {**routed("getAutomationRule"), **KNOWN}]
)
async def test_what_nobody_known_asked_to_change_is_not_noted(extensions: dict[str, Any]) -> None:
    assert await seen(scope_of({"id": THING}, **extensions), *STATUSES) == []


async def nothing(*_: Any) -> Any:
    raise AssertionError


@pytest.mark.parametrize(("outcome_open", "error"), [(True, OutcomeUnknown), (False, Unavailable)])
async def test_a_delivery_leaves_its_line_and_says_so_where_nobody_knows_what_came_of_it(
    *, outcome_open: bool, error: type[Exception]
) -> None:
    trails: list[Deed] = []

    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        trail = TRAIL.get()
        assert trail is not None
        trails.append(trail.deed)
        unavailable = Unavailable()
        unavailable.outcome_open = outcome_open
        raise unavailable

    scope = scope_of({})
    note_hook(scope, HOOK)

    with pytest.raises(error):
        await Deliveries(SHIPPED.operations["receiveWebhook"], DEEDS)(failing, scope, nothing, nothing)

    assert trails == [DELIVERED]


async def test_a_delivery_is_passed_on_as_it_is() -> None:
    passed: list[object] = []

    async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        passed.extend((scope, receive, send))

    scope = scope_of({})
    note_hook(scope, HOOK)

    await Deliveries(SHIPPED.operations["receiveWebhook"], DEEDS)(app, scope, nothing, nothing)

    assert passed == [scope, nothing, nothing]
