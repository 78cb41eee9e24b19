"""Reads executions, the service's hottest query, and creates, retries and cancels them: one round trip each."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row

from automation.domain.errors import AutomationError, ExecutionNotFound, RuleNotFound
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.domain.labels import too_many
from automation.domain.limits import DEFAULTS, Limits
from automation.domain.origin import Origin
from automation.domain.pages import Page, PageRequest
from automation.domain.start_window import AT_ONCE, StartWindow
from automation.storage import quotas
from automation.storage.attempt_pages import read_attempts
from automation.storage.execution_changes import (
    CANCEL,
    CREATE,
    CREATE_DELIVERED,
    DELETE,
    EXPECT,
    NOT_CANCELLED,
    NOT_CREATED,
    NOT_DELETED,
    NOT_DELIVERED,
    NOT_RETRIED,
    RETRY,
    done,
)
from automation.storage.input_checks import RequireInput, input_checked, no_schema
from automation.storage.label_making import NOT_MADE, UNDECIDED, MakeLabels, decided, no_labels
from automation.storage.pool.batches import ALONE, Alone, Batches
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import encoded, uuid_array
from automation.storage.trigger_data import stored
from automation.storage.turns import in_turns

# The hot read, and the only one by position: several executions of any tenants, in one statement. The function sets the
# tenant for the one read that it does: each row is read under its own tenant's policy. Beside others, a large one is
# found without its document; so is one whose revision is known.
_GET = b"""
SELECT asked.place, found.automation_rule_id, found.status, found.document, found.revision
FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) WITH ORDINALITY AS asked(tenant, execution, known, place),
    LATERAL get_execution_v1(asked.tenant, asked.execution, %s::integer, asked.known) AS found
"""
MOST_BESIDE_OTHERS = 160 * 1024
"""Bytes of results and log of an execution that is read together with others: its document has 256 KiB at the most."""
# No bound, of the same type as the other: else each would be a statement to prepare.
MOST_ALONE = 2**31 - 1

_STATUSES: Mapping[str, ExecutionStatus] = {status.value: status for status in ExecutionStatus}
# Revisions are compared and never stored; what is none is known of no execution.
_revision = re.compile(r"[0-9.]{1,64}").fullmatch
_CANCELLED_BY_USER = "The execution was cancelled by a user."

_Asked = tuple[UUID, UUID, str | None]
"""An execution's tenant, its id, and the revision of it that is known."""


class Executions:
    """The executions of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
        require_input: Holds the data of retries to what their rules ask.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS, require_input: RequireInput = no_schema) -> None:
        self._database = database
        self._require_input = require_input
        self._limits = quotas.created_under(limits)
        self._reads: Batches[_Asked, ExecutionDocument] = Batches(self._fetch, self._fetch_alone)

    async def read(self, tenant: UUID, execution_id: UUID, known: str | None = None) -> ExecutionDocument:
        """Return one execution as the contract shows it, or without that where its revision is one that is known.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
        """
        if known is not None and _revision(known) is None:
            known = None
        document = await self._reads.read((tenant, execution_id, known))
        if document is None:
            raise ExecutionNotFound
        return document

    async def _fetch(
        self, asked: Sequence[_Asked], since: float | None = None, tenant: UUID | None = None
    ) -> Sequence[ExecutionDocument | Literal[Alone.ALONE] | None]:
        tenants, identifiers, known = zip(*asked, strict=True)
        count = len(asked)
        most = MOST_BESIDE_OTHERS if count > 1 else MOST_ALONE
        # Revisions need no quotes.
        revisions = f"{{{','.join([each or 'NULL' for each in known])}}}"
        parameters = (uuid_array(tenants), uuid_array(identifiers), revisions, most)
        rows = await self._database.fetch_rows(_GET, parameters, since=since, tenant=tenant)
        found: list[ExecutionDocument | Literal[Alone.ALONE] | None] = [None] * count
        for number, rule, status, document, revision in rows:
            place = number - 1
            if document is not None:
                json = document.encode()
            elif revision == known[place]:
                json = b""
            else:
                found[place] = ALONE
                continue
            found[place] = ExecutionDocument(identifiers[place], rule, _STATUSES[status], json, revision)
        return found

    async def _fetch_alone(self, asked: _Asked, since: float) -> ExecutionDocument | None:
        (found,) = await self._fetch([asked], since, asked[0])
        if found is ALONE:
            raise AssertionError("an execution that is read alone has no bound")
        return found

    async def create(
        self,
        tenant: UUID,
        user: UUID | None,
        rule_id: UUID,
        *,
        trigger_data: Mapping[str, Any] | None,
        override_conditions: bool = False,
        priority: int | None = None,
        window: StartWindow = AT_ONCE,
        origin: Origin | None = None,
        labels: Mapping[str, str] = MappingProxyType({}),
        delivery: bytes | None = None,
        make_labels: MakeLabels = no_labels,
    ) -> ExecutionDocument:
        """Store a pending execution of a rule's last version together with its job, and return it.

        Where one with the same deduplication key is pending already, nothing is stored, and that one is returned.

        Args:
            tenant: Whose rule it is.
            user: Who runs it; None where it is no user.
            rule_id: Which rule.
            trigger_data: What it is run with.
            override_conditions: Whether it runs whatever the conditions say.
            priority: Its priority; None for the rule's.
            window: When it may begin.
            origin: Who or what asks for it; None where nobody knows.
            labels: Its labels, beside those that the rule gives it and before one with the same key.
            delivery: The hash of its id; the execution of one that came before is returned, without its document.
            make_labels: Makes the rule's labels where something is put into them; then that takes another round trip.

        Raises:
            RuleNotFound: where this tenant has no rule of that id.
            RuleDeleted: where the rule is deleted.
            RuleNotActive: where its status is another one.
            TooManyPending: where the tenant has as many pending executions as it may have.
            TooManyExecutions: where it has asked for as many in this day as it may.
            QuotaExceeded: where it has stored as much as it may.
            InvalidBody: where these labels and the rule's are more than an execution may have.
            ContentTooLarge: where what it is run with would be too large as it is stored.
        """
        parameters: dict[str, object] = {
            "tenant": tenant,
            "execution": uuid4(),
            "rule": rule_id,
            "user": user,
            "trigger_data": stored(trigger_data),
            "override_conditions": override_conditions,
            "priority": priority,
            "run_at": window.run_at,
            "expires_at": window.expires_at,
            **_told_of(origin),
            "labels": encoded(labels),
            "delivery": delivery,
            **NOT_MADE,
        }
        query, refusals = (CREATE, NOT_CREATED) if delivery is None else (CREATE_DELIVERED, NOT_DELIVERED)

        async def decide(asked: DictRow) -> Mapping[str, object]:
            return await decided(tenant, rule_id, asked, make_labels)

        row = await in_turns(partial(self._ask, query), parameters, UNDECIDED, decide)
        if row is not None and row["outcome"] == "too_many_labels":
            raise too_many()
        if row is not None and row["outcome"] == "already_pending":
            return _written({**row, "document": row["wanted"]})._replace(already_pending=True)
        return _written(done(row, RuleNotFound, refusals))

    async def retry(
        self,
        tenant: UUID,
        execution_id: UUID,
        *,
        retry_from: str,
        rule_version: str = "original",
        trigger_data: Mapping[str, Any] | None = None,
        attempt: int | None = None,
        origin: Origin | None = None,
    ) -> ExecutionDocument:
        """Make an execution pending again as its next attempt, together with its job, and return it.

        Args:
            tenant: Whose execution it is.
            execution_id: Which execution.
            retry_from: ``start`` or ``failed_action``.
            rule_version: ``original``, the one that it ran before, or ``latest``.
            trigger_data: What takes the place of its payload; None leaves that as it is.
            attempt: Which attempt is meant; None for the last, whichever that is.
            origin: Who or what asks for it; None where nobody knows.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            AttemptSuperseded: where it has another attempt by now.
            ExecutionNotRetriable: where it did not fail, time out, and was not cancelled.
            RuleDeleted: where its rule is deleted; of a retry and a deletion at the same time, one is refused.
            RetriesExhausted: where it was retried as often as one may be.
            RuleNotActive: where its rule has another status.
            InvalidInput: where its rule doesn't take the data that the attempt would run with.
            ContentTooLarge: where these would be too large as they are stored.
            ActionsChanged: where the latest version has others before the failed action.
            TooManyPending: where the tenant has as many pending executions as it may have.
            TooManyExecutions: where it has asked for as many in this day as it may.
            QuotaExceeded: where it has stored as much as it may.
        """
        parameters = {
            "tenant": tenant,
            "execution": execution_id,
            "retry_from": retry_from,
            "rule_version": rule_version,
            "trigger_data": stored(trigger_data),
            "attempt": attempt,
            "checked": None,
            **_told_of(origin),
        }

        async def check(asked: DictRow) -> Mapping[str, object]:
            return await input_checked(tenant, asked["wanted"], self._require_input)

        row = await in_turns(partial(self._ask, RETRY), parameters, {"check_wanted"}, check)
        return _written(done(row, ExecutionNotFound, NOT_RETRIED))

    async def expect(self, tenant: UUID, count: int) -> None:
        """Have the transaction be alone where so many retries come near a limit, before any of them locks a row."""
        await self._ask(EXPECT, {"tenant": tenant, "count": count})

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
        row = await self._changed(CANCEL, parameters, NOT_CANCELLED)
        return _written(row), row["outcome"] == "cancelled"

    async def delete(self, tenant: UUID, execution_id: UUID, *, revision: str | None = None) -> None:
        """Delete an execution that has ended, with all that belongs to it; with a revision, only as it was read then.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
            ExecutionNotFinished: where it has not ended.
            PreconditionFailed: where it has another revision by now.
        """
        parameters = {"tenant": tenant, "execution": execution_id, "revision": revision}
        await self._changed(DELETE, parameters, NOT_DELETED)

    async def _changed(
        self, query: bytes, parameters: Mapping[str, object], refusals: Mapping[str, type[AutomationError]]
    ) -> DictRow:
        return done(await self._ask(query, parameters), ExecutionNotFound, refusals)

    async def _ask(self, query: bytes, parameters: Mapping[str, object]) -> DictRow | None:
        """Ask for a change, within the tenant's limits."""
        return await self._database.fetch_one(query, {**parameters, **self._limits}, dict_row, repeatable=False)

    async def attempts(self, tenant: UUID, execution_id: UUID, request: PageRequest) -> Page[bytes]:
        """Return a page of the attempts of an execution, first to last, each an ``AutomationExecutionAttempt`` as JSON.

        Raises:
            ExecutionNotFound: where this tenant has none of that id.
        """
        return await read_attempts(self._database, tenant, execution_id, request)


def _told_of(origin: Origin | None) -> dict[str, str | None]:
    if origin is None:
        return {"request_id": None, "triggered_by": None}
    return {"request_id": origin.request_id, "triggered_by": encoded(origin.triggered_by)}


def _written(row: DictRow) -> ExecutionDocument:
    json = (row["document"] or "").encode()
    return ExecutionDocument(row["execution_id"], row["automation_rule_id"], _STATUSES[row["status"]], json, "")
