"""Changes of many executions, as requests ask for them and are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from automation.contract.compiled.links import Links
from automation.contract.compiled.scalars import Undecodable, date_time
from automation.contract.serving.reply import Reply
from automation.domain.bulk_operations import BulkAction, BulkOperation, BulkOrder, BulkRefusal
from automation.domain.errors import InvalidBody, InvalidParameter, Violation
from automation.domain.executions import ExecutionFilter
from automation.domain.origin import Origin
from automation.domain.pages import Total, given
from automation.domain.principal import Principal
from automation.storage.bulk_changes import BulkChanges, Change, Outcome, Prepare, nothing_to_prepare
from automation.storage.bulk_operations import BulkOperations
from handlers.contradictions import INTERVALS, require_sense

_TIMES = frozenset(name for pair in INTERVALS for name in pair)


@dataclass(frozen=True, slots=True)
class BulkDesk:
    """Where requests to change many executions go: what few are is changed at once, what more are becomes an operation.

    Args:
        changes: Changes few.
        operations: Keeps what is done of more.
        links: Makes addresses.
    """

    changes: BulkChanges
    operations: BulkOperations
    links: Links

    async def answer(
        self,
        body: Mapping[str, Any],
        order: BulkOrder,
        change: Change,
        principal: Principal,
        origin: Origin,
        *,
        prepare: Prepare = nothing_to_prepare,
    ) -> Reply:
        """Have executions changed as the contract's ``BulkChange`` says, now or from now on, and return the answer.

        Raises:
            InvalidBody: The filters contradict each other.
            TooManyBulkOperations: There are more than are changed at once, and too many operations are not over.
        """
        dry_run: bool = body.get("dry_run", False)
        if "ids" in body:
            ids = [UUID(each) for each in body["ids"]]
            outcomes = await self.changes.of_ids(principal.tenant, ids, change, dry_run=dry_run, prepare=prepare)
            return Reply(_response(outcomes, Total(len(outcomes), exact=True), dry_run=dry_run))
        wanted = _filter(body["filter"])
        # What is being deleted needs no second one who does it, and what is retried or cancelled has to be waited for.
        passing = order.action is BulkAction.DELETE
        changed = await self.changes.of_filter(
            principal.tenant, wanted, change, dry_run=dry_run, passing=passing, prepare=prepare
        )
        if not isinstance(changed, Total):
            return Reply(_response(*changed, dry_run=dry_run))
        begun = await self.operations.begin(principal, order, wanted, changed, origin.request_id)
        location = self.links.href("getBulkOperation", id=begun.bulk_operation_id)
        return Reply(operation_response(begun, self.links), status=202, headers={"Location": location})


def operation_response(operation: BulkOperation, links: Links) -> dict[str, Any]:
    """Return the contract's ``BulkOperationResponse``."""
    order, identifier = operation.order, operation.bulk_operation_id
    sometimes = {
        "from": order.retry_from,
        "rule_version": order.rule_version,
        "failure": operation.failure,
        "started_at": operation.started_at,
        "completed_at": operation.completed_at,
    }
    data = {
        "bulk_operation_id": identifier,
        "action": order.action,
        "filter": operation.filter,
        "status": operation.status,
        "matched": _matched(operation.matched),
        "done": operation.done,
        "refused": operation.refused,
        "created_by": operation.created_by,
        "created_at": operation.created_at,
        **{name: value for name, value in sometimes.items() if value is not None},
        "_links": {
            "self": links.link("getBulkOperation", id=identifier),
            "refusals": links.link("listBulkOperationRefusals", id=identifier),
        },
    }
    return {"data": data}


def refusal_item(refusal: BulkRefusal, _links: Links) -> bytes:
    """Return a refusal as an item of a list, the contract's ``BulkRefusal``, as JSON."""
    return orjson.dumps({"execution_id": refusal.execution_id, "code": refusal.code, "detail": refusal.detail})


def _response(outcomes: Sequence[Outcome], matched: Total, *, dry_run: bool) -> dict[str, Any]:
    refused = sum(outcome.code is not None for outcome in outcomes)
    data = {
        "dry_run": dry_run,
        "matched": _matched(matched),
        "done": len(outcomes) - refused,
        "refused": refused,
        "results": [_result(outcome) for outcome in outcomes],
    }
    return {"data": data}


def _matched(total: Total) -> dict[str, Any]:
    return {"count": total.count, "exact": total.exact}


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.code is None:
        return {"execution_id": outcome.execution_id, "outcome": "done"}
    return {
        "execution_id": outcome.execution_id,
        "outcome": "refused",
        "code": outcome.code,
        "detail": outcome.detail,
    }


def _filter(written: Mapping[str, Any]) -> ExecutionFilter:
    try:
        wanted = ExecutionFilter(**{name: _value(name, value) for name, value in written.items()})
        require_sense(given(wanted))
    except InvalidParameter as error:
        violations = [Violation(each.message, pointer=f"/filter/{each.parameter}") for each in error.violations]
        raise InvalidBody("The filters contradict each other.", violations=violations) from error
    return wanted


def _value(name: str, value: Any) -> Any:
    if name == "automation_rule_id":
        return tuple(UUID(each) for each in value)
    if isinstance(value, list):
        return tuple(dict.fromkeys(value))
    return _time(name, value) if name in _TIMES else value


def _time(name: str, value: str) -> datetime:
    try:
        return date_time(value)
    except Undecodable as error:
        raise InvalidBody(violations=[Violation(str(error), pointer=f"/filter/{name}")]) from error
