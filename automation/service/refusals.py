"""Collects what was refused for the audit log, and has it written behind the answers, about once a second.

Nothing that a refused request changes could take a line along, and whoever is refused shall not make the database work
for each answer. What a process that is killed had not written yet is lost; the request log has it.
"""

import logging
import time
from collections import Counter, deque
from uuid import UUID

from starlette.types import Scope

from automation.contract.serving.request_context import (
    endpoint_if_routed,
    hook_if_any,
    principal_if_known,
    problem_if_any,
)
from automation.domain.audit import Deed, Refusal
from automation.service.deeds import Deeds
from automation.storage.audit_log import AuditLog
from automation.storage.pool.periodic import Periodic

STATUSES = frozenset({403, 404, 409, 412, 422})
"""Of what somebody was kept from. What was malformed, too large or too much was not looked at, and is not written."""
MOST = 1000
"""How many are kept and written at a time."""
MOST_OF_A_TENANT = 100
"""How many of one tenant are, so that nobody fills up what others' refusals need."""

_logger = logging.getLogger(__name__)


class Refusals:
    """What was refused and is not written yet.

    Args:
        log: Where it is written.
        deeds: Tells who does what by a request.
        period: Seconds between two writes.
    """

    def __init__(self, log: AuditLog, deeds: Deeds, *, period: float = 1.0) -> None:
        self._log = log
        self._deeds = deeds
        self._waiting: deque[Refusal] = deque()
        self._of_tenants: Counter[UUID] = Counter()
        self._left_out = 0
        self._failing = False
        self._writing = Periodic(self.flush, period)

    def see(self, scope: Scope, status: int) -> None:
        """Note a request that was refused, if it was one to change something, by a user or a hook that is known."""
        routed = endpoint_if_routed(scope)
        if status not in STATUSES or routed is None:
            return
        deed, operation = None, routed.operation.operation_id
        if (caller := principal_if_known(scope)) is not None:
            deed = self._deeds.deed(scope, operation, caller)
        elif (hook := hook_if_any(scope)) is not None:
            deed = self._deeds.delivery(scope, operation, hook)
        if deed is not None:
            self.note(deed, problem_if_any(scope))

    def note(self, deed: Deed, code: str | None) -> None:
        """Note that a deed was refused just now."""
        if len(self._waiting) >= MOST or self._of_tenants[deed.tenant] >= MOST_OF_A_TENANT:
            self._left_out += 1
            return
        self._of_tenants[deed.tenant] += 1
        self._waiting.append(Refusal(deed=deed, code=code, at=time.monotonic()))

    def start(self) -> None:
        """Start writing in the background of the running event loop."""
        self._writing.start()

    async def stop(self) -> None:
        """Write what is left, and end."""
        await self._writing.stop()

    async def flush(self) -> None:
        """Write what waits; where that fails it waits on."""
        if self._left_out:
            _logger.warning("%d refusals are not in the audit log: there were too many at a time", self._left_out)
            self._left_out = 0
        refusals = [*self._waiting]
        if not refusals:
            return
        try:
            await self._log.record_refusals(refusals)
        except Exception as error:
            if not self._failing:
                _logger.warning("%d refusals are not in the audit log yet", len(refusals), exc_info=error)
            self._failing = True
            return
        self._failing = False
        for refusal in refusals:
            self._waiting.popleft()
            self._of_tenants[refusal.deed.tenant] -= 1
        self._of_tenants = +self._of_tenants
