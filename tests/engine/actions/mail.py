"""SMTP servers on loopback: aiosmtpd where mail is delivered, and one that breaks off where it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.engine.actions.loopback import listening

PASSWORD = b"correct horse"

_OK = b"250 OK\r\n"
_REPLIES = {b"EHLO": _OK, b"MAIL": _OK, b"RCPT": _OK, b"DATA": b"354 go on\r\n"}


@dataclass
class Mailbox:
    """Takes what is delivered, and refuses what it is told to refuse."""

    envelopes: list[Envelope] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    answer: str = "250 accepted"
    port: int = 0

    async def handle_RCPT(  # noqa: N802 the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer


@asynccontextmanager
async def mailing(*, login: bool = False) -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    authenticator = _authenticate if login else None
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, auth_require_tls=False, auth_required=login, authenticator=authenticator), "127.0.0.1", 0
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mailbox


@asynccontextmanager
async def breaking_off(at: str, *, last_words: bytes = b"", silence: float = 0.0) -> AsyncIterator[int]:
    """Serve until a line comes that begins so (``.`` ends a message); then be silent, say the last words and hang up.

    Gives the port; the silence is in seconds.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while (line := await reader.readline()) and not line.upper().startswith(at.encode()):
            writer.write(_REPLIES.get(line[:4].upper(), b""))
        await asyncio.sleep(silence)
        writer.write(last_words)

    async with listening(serve) as port:
        yield port


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    return AuthResult(success=isinstance(data, LoginPassword) and data.password == PASSWORD, handled=False)
