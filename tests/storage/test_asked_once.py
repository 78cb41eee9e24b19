"""Changes that are not the same when they are made twice: where the way to the database breaks, each is asked once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from automation.domain.allowance import Allowance
from automation.domain.audit import AuditResource, Deed, Refusal
from automation.domain.bulk_operations import BulkAction, BulkOrder
from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionFilter
from automation.domain.origin import Origin, TriggerKind
from automation.domain.pages import Total
from automation.domain.principal import Principal
from automation.domain.retention import Kept
from automation.storage.audit_log import AuditLog
from automation.storage.bulk_operations import BulkOperations
from automation.storage.bulk_work import BulkWork, OpenOperation
from automation.storage.due import Due
from automation.storage.executions import Executions
from automation.storage.keys import KeyDirectory
from automation.storage.pool.connections import Connection
from automation.storage.pool.database import Database
from automation.storage.rate_windows import RateWindows
from automation.storage.readiness import Readiness
from automation.storage.retention import Place, RetentionStore
from automation.storage.runs import Claim, Runs
from automation.storage.schedules import DueSchedule, Schedules

ONE = UUID(int=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ASKING = Principal(ONE, ONE, frozenset(), "ak_00000000")
ORDER = BulkOrder(action=BulkAction.CANCEL)
DEED = Deed(
    tenant=ONE,
    user=ONE,
    key_prefix=None,
    action="an action",
    resource_type=AuditResource.EXECUTION,
    resource_id=None,
    client_address=None,
    request_id="",
)
OPERATION = OpenOperation(
    tenant=ONE,
    bulk_operation_id=ONE,
    order=ORDER,
    wanted=ExecutionFilter(),
    batches=0,
    cursor=None,
    created_at=NOW,
    deed=DEED,
    allowed=True,
)
SCHEDULED = DueSchedule(tenant=ONE, rule_id=ONE, scheduled_at=NOW, seconds_left=0, looked_at=NOW)
ALLOWANCE = Allowance(ONE, "tenant", "tenant", 5)


async def probed(database: Database) -> None:
    """Try whether anything can be written again."""
    database.refuses_writes = True
    await Readiness(database).check()


# The function that is asked, and who asks it.
ASKED: dict[str, tuple[str, Callable[[Database], Awaitable[object]]]] = {
    "a bulk operation is begun": (
        "begin_bulk_operation_v1",
        lambda to: BulkOperations(to).begin(ASKING, ORDER, ExecutionFilter(), Total(1, exact=True), None),
    ),
    "it is put off": ("pass_bulk_operation_v1", lambda to: BulkWork(to, Executions(to)).put_off(OPERATION)),
    "old ones are removed": ("prune_bulk_operations_v1", lambda to: BulkWork(to, Executions(to)).prune(5)),
    "refusals are written down": (
        "record_audit_event_v1",
        lambda to: AuditLog(to).record_refusals([Refusal(deed=DEED, code="a_code", at=0.0)]),
    ),
    "an execution is cancelled": ("cancel_execution_v1", lambda to: Executions(to).cancel(ONE, ONE)),
    "ends of runs are counted": ("fold_run_ends_v1", lambda to: Due(to).fold(5)),
    "writing is tried": ("probe_writes_v1", probed),
    "old executions are removed": (
        "prune_executions_v1",
        lambda to: RetentionStore(to).prune(ONE, Kept.COMPLETED, 1, Place()),
    ),
    "old lines are removed": (
        "prune_audit_events_v1",
        lambda to: RetentionStore(to).prune(ONE, Kept.AUDIT_EVENTS, 31, Place()),
    ),
    "mails are counted": (
        "count_mails_v1",
        lambda to: Runs(to).count_mails(cast("Claim", SimpleNamespace(tenant=ONE)), 3),
    ),
    "a schedule fires": (
        "fire_schedule_v1",
        lambda to: Schedules(to).fire(
            SCHEDULED, 1, following=None, trigger=None, origin=Origin(kind=TriggerKind.SCHEDULE)
        ),
    ),
    "requests are granted": ("lease_requests_v1", lambda to: RateWindows(to).lease(ALLOWANCE, 3)),
    "the use of a key is counted": (
        "resolve_api_key_v1",
        lambda to: KeyDirectory(to).resolve(b"d" * 32, tenant=None, count=True),
    ),
}


@pytest.mark.parametrize("name", ASKED)
async def test_a_change_is_asked_once_and_nobody_knows_whether_it_was_made(
    database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    function, ask = ASKED[name]
    asked: list[bytes] = []
    run = Connection.run

    async def broken(connection: Connection, query: bytes, *arguments: Any, **named: Any) -> Any:
        if function.encode() not in query:
            return await run(connection, query, *arguments, **named)
        asked.append(query)
        await connection.close()
        raise psycopg.OperationalError("the way broke")

    monkeypatch.setattr(Connection, "run", broken)

    with pytest.raises(Unavailable) as refused:
        await ask(database)

    assert len(asked) == 1
    assert refused.value.outcome_open
