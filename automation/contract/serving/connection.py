"""The connection that a request came on, for handlers that take long: nobody has to be waited for who has gone."""

from starlette.types import Receive


class Connection:
    """Where a request came from, once its body was read.

    Args:
        receive: Receives what comes after the body, and that is its end.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def ended(self) -> None:
        """Return when the client has gone, or has its answer."""
        await self._receive()
