"""Puts an execution into the queue: what a worker then gets is no more than which one."""

from uuid import UUID

from automation.storage.pool.database import Transaction

TASK = "run_execution"
"""The name of the task that runs an execution; its arguments are ``tenant``, ``execution_id`` and ``attempt``."""

QUEUE = "executions"
"""The name of the queue that its jobs are in."""

# A job for an attempt, unless one is waiting already.
_DEFER = b"SELECT defer_execution_v1(p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s)"


async def defer_execution(transaction: Transaction, tenant: UUID, execution_id: UUID, attempt: int) -> None:
    """Write a job for an attempt of an execution, unless one is waiting in the queue.

    It is there for the workers once the transaction, which is the tenant's own, has committed.
    """
    await transaction.execute(_DEFER, {"tenant": tenant, "execution": execution_id, "attempt": attempt})
