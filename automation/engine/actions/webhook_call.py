"""Calls a URL of the tenant's choice, once per try, and tells of a failure whether the receiver may have acted."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from automation.engine.actions.action import (
    Action,
    ActionCall,
    ActionFailed,
    ActionResult,
    ActionTimedOut,
    ActionWithheld,
    Syntax,
)
from automation.engine.actions.connecting import unconnected
from automation.engine.actions.content_coding import Undecodable
from automation.engine.actions.egress import Egress, EgressRefused, NameNotResolved
from automation.engine.actions.resources import ActionResources
from automation.engine.actions.transport import SENDING, AnswerTooCostly
from automation.engine.actions.webhook_request import (
    CONFIG_SCHEMA,
    DEFAULT_RESPONSE_BYTES,
    EXAMPLE,
    check,
    host,
    request,
)
from automation.engine.actions.webhook_response import Body, output, read, reason, result, retry_after

_SECONDS_FOR_A_REASON = 2.0
_MIN_REDIRECT, _MAX_REDIRECT = 300, 399


def action(resources: ActionResources) -> Action:
    """Return the action ``webhook_call``, which reaches the network through the operator's egress guard."""

    async def run(config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        return await _Exchange(config, call).run(resources.egress)

    return Action(
        name="webhook_call",
        config_schema=CONFIG_SCHEMA,
        run=run,
        check=check,
        syntaxes={"/url": Syntax.URL},
        example=EXAMPLE,
    )


class _Exchange:
    """One request and its response.

    Until the request is being sent, nothing can have happened on the other side; from then on, only an answer tells:
    one whose status was read, since interim answers and half a head say nothing.
    """

    def __init__(self, config: Mapping[str, Any], call: ActionCall) -> None:
        self._config = config
        self._call = call
        self._host = host(config["url"])
        self._sent = False
        self._answered = False

    async def run(self, egress: Egress) -> ActionResult:
        try:
            async with asyncio.timeout(self._call.seconds_left), egress.client() as client:
                return await self._answer(client)
        # None of these is kept as the cause: their messages and requests hold what a tenant's log must not show.
        except TimeoutError:
            sentence = "did not answer in time" if self._sent else "could not be reached in time"
            raise ActionTimedOut(f"{self._host} {sentence}", definite=not self._sent) from None
        except Undecodable as error:
            raise self._failed(f"answered, but the body can't be read: {error}", definite=self._answered) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unanswered(error) from None

    async def _answer(self, client: httpx.AsyncClient) -> ActionResult:
        outgoing = request(client, self._config, self._call)
        outgoing.extensions[SENDING] = self._begin_sending
        response = await client.send(outgoing, stream=True)
        self._answered = True
        try:
            await self._require_expected(response)
            body = await read(response, self._config.get("max_response_bytes", DEFAULT_RESPONSE_BYTES))
            return ActionResult(result(response, body), {"host": self._host, "status": response.status_code})
        finally:
            await response.aclose()

    def _begin_sending(self) -> None:
        if not self._call.holds():
            raise ActionWithheld
        self._sent = True

    async def _require_expected(self, response: httpx.Response) -> None:
        status = response.status_code
        expected = self._config.get("expected_statuses", range(200, 300))
        if status in expected:
            return
        hint = "; redirects are not followed" if _MIN_REDIRECT <= status <= _MAX_REDIRECT else ""
        answer = await self._reason(response)
        failed = self._failed(f"answered with the unexpected status {status}{hint}", definite=True, answer=answer)
        failed.retry_after = retry_after(response)
        raise failed

    async def _reason(self, response: httpx.Response) -> Mapping[str, Any]:
        """Return the answer with the beginning of its body, however slowly that comes: the status says enough."""
        try:
            async with asyncio.timeout(min(_SECONDS_FOR_A_REASON, self._call.seconds_left / 2)):
                return await reason(response)
        except TimeoutError:
            return output(response, Body(b"", truncated=True))

    def _unanswered(self, error: httpx.TransportError | httpx.InvalidURL) -> ActionFailed:
        if isinstance(error, AnswerTooCostly):
            return self._failed(f"answered, but the answer can't be read: {error}", definite=self._answered)
        if self._sent:
            return self._failed("was called, but the connection was lost before its answer", definite=False)
        match error:
            case EgressRefused():
                return self._failed(f"was not called: {error}", definite=True, retryable=False)
            case NameNotResolved():
                return self._failed("was not called: its name could not be resolved", definite=True)
            case httpx.LocalProtocolError() | httpx.UnsupportedProtocol() | httpx.InvalidURL():
                return self._failed("was not called: the request is not valid HTTP", definite=True, retryable=False)
        return self._failed(unconnected(error), definite=True)

    def _failed(
        self, sentence: str, *, definite: bool, retryable: bool = True, answer: Mapping[str, Any] | None = None
    ) -> ActionFailed:
        return ActionFailed(
            f"{self._host} {sentence}",
            definite=definite,
            retryable=retryable,
            metadata={"host": self._host, **(answer or {})},
            output=answer or {},
        )
