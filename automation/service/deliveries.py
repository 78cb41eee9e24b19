"""Stands around what other systems send to hooks, as ``repeated_writes.py`` does around what users ask for.

What is started leaves a line in the audit log; of what nobody knows whether it was, the answer says so.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.compiled.operations import Operation
from automation.contract.serving.request_context import hook
from automation.service.deeds import Deeds
from automation.service.repeated_writes import saying_whether_it_was_done
from automation.storage.pool.trail import trailing

_AGAIN = "Look at the rule's executions before you send it again."


class Deliveries:
    """Stands around an operation whose callers have the token of a hook.

    Args:
        operation: The operation.
        deeds: Tells who does what by it.
    """

    def __init__(self, operation: Operation, deeds: Deeds) -> None:
        self._operation_id = operation.operation_id
        self._deeds = deeds

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a delivery on."""
        deed = self._deeds.delivery(scope, self._operation_id, hook(scope))
        with trailing(deed), saying_whether_it_was_done(_AGAIN):
            await app(scope, receive, send)
