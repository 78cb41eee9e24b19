"""Sends mail through the operator's SMTP server, and tells of a failure whether the message may have been accepted."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parseaddr
from functools import partial
from typing import Any

import aiosmtplib

from automation.domain.errors import Unavailable
from automation.domain.limits import Limit
from automation.engine.actions.action import (
    Action,
    ActionCall,
    ActionFailed,
    ActionResult,
    ActionTimedOut,
    ActionWithheld,
    Syntax,
)
from automation.engine.actions.email_message import CONFIG_SCHEMA, EXAMPLE, check, is_long, message, message_id
from automation.engine.actions.resources import ActionResources, MailServer
from automation.engine.mail_tls import MailTls

_SECONDS_TO_QUIT = 1.0
_LEAST_REFUSAL = 400
_LEAST_PERMANENT_REFUSAL = 500


def action(resources: ActionResources) -> Action:
    """Return the action ``email_notification``, which sends through the operator's mail server."""

    async def run(config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        if resources.mail_server is None:
            raise ActionFailed("no mail server is configured here", definite=True, retryable=False)
        return await _Delivery(resources.mail_server, config, call).run()

    return Action(
        name="email_notification",
        config_schema=CONFIG_SCHEMA,
        run=run,
        check=check,
        syntaxes={"/html": Syntax.HTML},
        example=EXAMPLE,
    )


_WRITER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def _with_a_rest(write: Callable[[], bytes]) -> bytes:
    """Write a message, and rest for as long: whoever waits for the interpreter has at least half of it."""
    began = time.perf_counter()
    try:
        return write()
    finally:
        time.sleep(time.perf_counter() - began)


class _Delivery:
    """One message to one server: to all of its recipients, or to none.

    Before DATA the message is certainly not sent; after it, only the server's answer tells.
    """

    def __init__(self, server: MailServer, config: Mapping[str, Any], call: ActionCall) -> None:
        self._server = server
        self._config = config
        self._call = call
        self._handed_over = False

    async def run(self) -> ActionResult:
        self._require_served()
        client = self._client()
        try:
            async with asyncio.timeout(self._call.seconds_left):
                await self._deliver(client)
            await _quit(client)
        # None of these is kept as the cause: their messages repeat what the server said, addresses included.
        except aiosmtplib.SMTPResponseException as error:
            raise self._refused(error) from None
        except TimeoutError:
            raise ActionTimedOut("the mail server did not answer in time", definite=not self._handed_over) from None
        except (aiosmtplib.SMTPException, OSError, ValueError):
            raise self._broken() from None
        finally:
            client.close()
        key = message_id(self._call.idempotency_key, self._server.sender)
        return ActionResult({"message_id": key, "recipients": len(self._config["to"])})

    def _require_served(self) -> None:
        for place, address in enumerate(self._config["to"], 1):
            if not self._server.serves(address):
                sentence = f"mail may not be sent to the domain of recipient {place} of {len(self._config['to'])}"
                raise ActionFailed(f"{sentence}, nothing was sent", definite=True, retryable=False)

    async def _count(self) -> None:
        """Count the recipients before anything leaves for them, or raise that the tenant may not send so much today."""
        try:
            most = await self._call.count_mails(len(self._config["to"]))
        except Unavailable:
            sentence = "whether the tenant may send mail today could not be looked up, nothing was sent"
            raise ActionFailed(sentence, definite=True, retryable=True) from None
        if most is not None:
            sentence = f"the tenant's limit mails_per_day of {most} would be exceeded, nothing was sent"
            sentence += "; it counts anew at 00:00 UTC"
            raise ActionFailed(sentence, definite=True, retryable=False, metadata={"limit": str(Limit.MAILS_PER_DAY)})

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=self._server.password,
            use_tls=self._server.tls is MailTls.TLS,
            start_tls=self._server.tls is MailTls.STARTTLS,
            timeout=None,
        )

    async def _content(self) -> bytes:
        """Return the message; a long one is written in a thread, one after the other: that takes up to 50 ms."""
        write = partial(message, self._config, self._server.sender, self._call.idempotency_key)
        if not is_long(self._config):
            return write()
        return await asyncio.get_running_loop().run_in_executor(_WRITER, _with_a_rest, write)

    async def _deliver(self, client: aiosmtplib.SMTP) -> None:
        content = await self._content()
        await client.connect()
        await client.mail(parseaddr(self._server.sender)[1])
        for address in self._config["to"]:
            await client.rcpt(address)
        await self._count()
        if not self._call.holds():
            raise ActionWithheld
        self._handed_over = True
        await client.data(content)

    def _refused(self, error: aiosmtplib.SMTPResponseException) -> ActionFailed:
        if error.code < _LEAST_REFUSAL:
            return self._broken()
        match error:
            case aiosmtplib.SMTPRecipientRefused():
                place = self._config["to"].index(error.recipient) + 1
                what = f"recipient {place} of {len(self._config['to'])}, nothing was sent"
            case aiosmtplib.SMTPSenderRefused():
                what = "the sender"
            case aiosmtplib.SMTPAuthenticationError():
                what = "the login"
            case aiosmtplib.SMTPDataError():
                what = "the message"
            case _:
                what = "the connection"
        sentence = f"the mail server refused {what} (code {error.code})"
        retryable = error.code < _LEAST_PERMANENT_REFUSAL
        return ActionFailed(sentence, definite=True, retryable=retryable, metadata={"smtp_code": error.code})

    def _broken(self) -> ActionFailed:
        if self._handed_over:
            sentence = "the connection to the mail server was lost before it confirmed the message"
            return ActionFailed(sentence, definite=False, retryable=True)
        return ActionFailed("the mail server could not be used, nothing was sent", definite=True, retryable=True)


async def _quit(client: aiosmtplib.SMTP) -> None:
    """Send QUIT: the message is accepted already, so failures are ignored."""
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        await client.quit(timeout=_SECONDS_TO_QUIT)
