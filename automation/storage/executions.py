"""Reads executions, the service's hottest query, and creates, retries and cancels them: one round trip each."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row

from automation.domain.errors import (
    ActionsChanged,
    AttemptSuperseded,
    AutomationError,
    ExecutionFinished,
    ExecutionNotFound,
    ExecutionNotRetriable,
    RetriesExhausted,
    RuleDeleted,
    RuleNotActive,
    RuleNotFound,
    TooManyPending,
)
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.domain.limits import DEFAULTS, Limit, Limits
from automation.domain.pages import Page, PageRequest, Position, page_of
from automation.storage.pool.batches import ALONE, Alone, Batches
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import encoded, uuid_array

# The hot read, and the only one by position: several executions of any tenants, in one statement. The function sets the
# tenant for the one read that it does: each row is read under its own tenant's policy. Beside others, a large one is
# found without its document.
_GET = b"""
SELECT asked.place, found.automation_rule_id, found.status, found.document
FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS asked(tenant, execution, place),
    LATERAL get_execution_v1(asked.tenant, asked.execution, %s::integer) AS found
"""
MOST_BESIDE_OTHERS = 160 * 1024
"""Bytes of results and log of an execution that is read together with others: its document has 256 KiB at the most."""
# No bound, of the same type as the other: else each would be a statement to prepare.
MOST_ALONE = 2**31 - 1

# Stores a pending execution together with its job.
_CREATE = b"""
SELECT outcome, execution_id, automation_rule_id, status, document
FROM create_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_rule => %(rule)s, p_user => %(user)s,
    p_trigger_data => %(trigger_data)s::json, p_override_conditions => %(override_conditions)s,
    p_priority => %(priority)s, p_max_pending => %(max_pending)s)
"""
# Makes an execution that came to no good end pending again, as its next attempt.
_RETRY = b"""
SELECT outcome, execution_id, automation_rule_id, status, document
FROM retry_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_from => %(retry_from)s,
    p_rule_version => %(rule_version)s, p_trigger_data => %(trigger_data)s::json,
    p_attempt => %(attempt)s::integer, p_max_pending => %(max_pending)s)
"""
# Ends an execution that no worker holds, or asks its worker to.
_CANCEL = b"""
SELECT outcome, execution_id, automation_rule_id, status, document
FROM cancel_execution_v1(p_tenant => %(tenant)s, p_execution => %(execution)s, p_reason => %(reason)s)
"""
# A page of an execution's attempts, each as JSON; no row for no execution.
_ATTEMPTS = b"""
SELECT numbers, documents, cut
FROM list_execution_attempts_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_after => %(after)s, p_backward => %(backward)s,
    p_limit => %(limit)s, p_most => %(most)s)
"""
LARGEST_PAGE = 1024 * 1024
"""Bytes of logs, stacks and data of a page of attempts: before more it ends, but has one in any case."""

_NOT_RETRIED: Mapping[str, type[AutomationError]] = {
    "other_attempt": AttemptSuperseded,
    "not_retriable": ExecutionNotRetriable,
    "retries_exhausted": RetriesExhausted,
    "rule_deleted": RuleDeleted,
    "rule_not_active": RuleNotActive,
    "actions_changed": ActionsChanged,
    "too_many_pending": TooManyPending,
}
_STATUSES: Mapping[str, ExecutionStatus] = {status.value: status for status in ExecutionStatus}
_CANCELLED_BY_USER = "The execution was cancelled by a user."


class Executions:
    """The executions of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS) -> None:
        self._database = database
        self._max_pending = limits.get(Limit.MAX_PENDING)
        self._reads: Batches[tuple[UUID, UUID], ExecutionDocument] = Batches(self._fetch, self._fetch_alone)

    async def read(self, tenant: UUID, execution_id: UUID) -> ExecutionDocument:
        """Return one execution as the contract shows it.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
        """
        document = await self._reads.read((tenant, execution_id))
        if document is None:
            raise ExecutionNotFound
        return document

    async def _fetch(
        self, asked: Sequence[tuple[UUID, UUID]], since: float | None = None
    ) -> Sequence[ExecutionDocument | Literal[Alone.ALONE] | None]:
        tenants, identifiers = zip(*asked, strict=True)
        count = len(asked)
        most = MOST_BESIDE_OTHERS if count > 1 else MOST_ALONE
        rows = await self._database.fetch_rows(_GET, (uuid_array(tenants), uuid_array(identifiers), most), since=since)
        found: list[ExecutionDocument | Literal[Alone.ALONE] | None] = [None] * count
        for place, rule, status, document in rows:
            # Places begin with 1.
            found[place - 1] = ALONE if document is None else _document(identifiers[place - 1], rule, status, document)
        return found

    async def _fetch_alone(self, asked: tuple[UUID, UUID], since: float) -> ExecutionDocument | None:
        (found,) = await self._fetch([asked], since)
        if found is ALONE:
            raise AssertionError("an execution that is read alone has no bound")
        return found

    async def create(
        self,
        tenant: UUID,
        user: UUID,
        rule_id: UUID,
        *,
        trigger_data: Mapping[str, Any] | None,
        override_conditions: bool,
        priority: int | None = None,
    ) -> ExecutionDocument:
        """Store a pending execution of a rule's last version together with its job, and return it.

        Without a priority of its own it has the rule's.

        Raises:
            RuleNotFound: where this tenant has no rule of that id.
            RuleNotActive: where the rule is deleted, or its status is another one.
            TooManyPending: where the tenant has as many pending executions as it may have.
        """
        parameters = {
            "tenant": tenant,
            "execution": uuid4(),
            "rule": rule_id,
            "user": user,
            "trigger_data": None if trigger_data is None else encoded(trigger_data),
            "override_conditions": override_conditions,
            "priority": priority,
            "max_pending": self._max_pending,
        }
        row = await self._database.fetch_one(_CREATE, parameters, dict_row, repeatable=False)
        if row is None:
            raise RuleNotFound
        if row["outcome"] == "rule_not_active":
            raise RuleNotActive
        if row["outcome"] == "too_many_pending":
            raise TooManyPending
        return _written(row)

    async def retry(
        self,
        tenant: UUID,
        execution_id: UUID,
        *,
        retry_from: str,
        rule_version: str = "original",
        trigger_data: Mapping[str, Any] | None = None,
        attempt: int | None = None,
    ) -> ExecutionDocument:
        """Make an execution pending again as its next attempt, together with its job, and return it.

        Args:
            tenant: Whose execution it is.
            execution_id: Which execution.
            retry_from: ``start`` or ``failed_action``.
            rule_version: ``original``, the one that it ran before, or ``latest``.
            trigger_data: What takes the place of its payload; None leaves that as it is.
            attempt: Which attempt is meant; None for the last, whichever that is.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            AttemptSuperseded: where it has another attempt by now.
            ExecutionNotRetriable: where it did not fail, time out, and was not cancelled.
            RuleDeleted: where its rule is deleted; of a retry and a deletion at the same time, one is refused.
            RetriesExhausted: where it was retried as often as one may be.
            RuleNotActive: where its rule has another status.
            ActionsChanged: where the latest version has others before the failed action.
            TooManyPending: where the tenant has as many pending executions as it may have.
        """
        parameters = {
            "tenant": tenant,
            "execution": execution_id,
            "retry_from": retry_from,
            "rule_version": rule_version,
            "trigger_data": None if trigger_data is None else encoded(trigger_data),
            "attempt": attempt,
            "max_pending": self._max_pending,
        }
        row = await self._database.fetch_one(_RETRY, parameters, dict_row, repeatable=False)
        if row is None:
            raise ExecutionNotFound
        if row["outcome"] in _NOT_RETRIED:
            raise _NOT_RETRIED[row["outcome"]]
        return _written(row)

    async def cancel(self, tenant: UUID, execution_id: UUID) -> tuple[ExecutionDocument, bool]:
        """Cancel an execution, and return it and whether that is done already.

        One that no worker holds (pending, waiting) is cancelled at once; otherwise the request is stored, and from then
        on no call of the execution begins and it can only end as cancelled. One that was cancelled before is returned
        as it is.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            ExecutionFinished: where it has ended otherwise.
        """
        parameters = {"tenant": tenant, "execution": execution_id, "reason": _CANCELLED_BY_USER}
        row = await self._database.fetch_one(_CANCEL, parameters, dict_row, repeatable=False)
        if row is None:
            raise ExecutionNotFound
        if row["outcome"] == "finished":
            raise ExecutionFinished
        return _written(row), row["outcome"] == "cancelled"

    async def attempts(self, tenant: UUID, execution_id: UUID, request: PageRequest) -> Page[bytes]:
        """Return a page of the attempts of an execution, first to last, each an ``AutomationExecutionAttempt`` as JSON.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
        """
        parameters = {
            "tenant": tenant,
            "execution": execution_id,
            "after": _attempt_before(request),
            "backward": request.backward,
            "limit": request.limit,
            "most": LARGEST_PAGE,
        }
        row = await self._database.fetch_one(_ATTEMPTS, parameters, dict_row)
        if row is None:
            raise ExecutionNotFound
        found = [
            (Position(number), document.encode())
            for number, document in zip(row["numbers"], row["documents"], strict=True)
        ]
        return page_of(request, found, stop=found[-1][0] if row["cut"] else None)


def _attempt_before(request: PageRequest) -> int:
    """Return the number of the attempt that is passed last before the page is read, in the way that it is."""
    if request.cursor is None:
        return 0
    itself = 0 if not request.cursor.inclusive else 1 if request.backward else -1
    return request.cursor.position.number + itself


def _written(row: DictRow) -> ExecutionDocument:
    return _document(row["execution_id"], row["automation_rule_id"], row["status"], row["document"])


def _document(execution_id: UUID, automation_rule_id: UUID, status: str, document: str) -> ExecutionDocument:
    return ExecutionDocument(
        execution_id=execution_id,
        automation_rule_id=automation_rule_id,
        status=_STATUSES[status],
        json=document.encode(),
    )
