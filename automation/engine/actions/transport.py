"""Transport of one HTTP request over a connection of its own, from its dialling to the last byte of the answer.

It stands in httpx's place for a connection pool: what leaves here is always the first and the last request of its
connection, so there is nothing to keep, to lock or to share. The framing is h11's, as it is in httpx.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import h11
import httpx

Dial = Callable[[str, int], Awaitable[socket.socket]]
"""Returns a socket that is connected to a permitted address of a host, or raises ``httpx.ConnectError``."""

_Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]

SENDING = "sending"
"""The extension of a request whose value is called, without arguments, right before the first byte leaves."""

MOST_PIECES = 1_000
"""Pieces of a body at the most, as its sender cuts it into chunks, beside one for each ``BYTES_OF_A_PIECE``.

Each costs a worker some 25 µs, however small it is. Who streams events or rows sends a chunk of dozens or hundreds of
bytes for each: fewer than a thousand, or large ones. The largest body that is kept (256 KiB) may so have 3,000 pieces.
"""
BYTES_OF_A_PIECE = 128
"""Bytes of a body that entitle it to one more piece."""
MOST_LINES = 200
"""Header lines of an answer, or of one interim answer, at the most."""
MOST_INTERIM = 16
"""Interim answers before the one that counts (RFC 9110, 15.2) at the most."""
MOST_FRAMING = 1024 * 1024
"""Bytes of an answer at the most that are not its body: its head, and what stands around chunks."""

_PIECE = 64 * 1024
_PIECE_OF_A_HEAD = 4 * 1024
_LONGEST_HEAD = 32 * 1024
_PIECES_AT_A_STRETCH = 16
_TOO_MANY_LINES = "its head has too many lines"
_PORTS = {"http": 80, "https": 443}


class AnswerTooCostly(httpx.RemoteProtocolError):
    """An answer is made in a way that costs more to read than it may."""


class Transport(httpx.AsyncBaseTransport):
    """Sends each request over a new connection; keeps none, so that clients may share it.

    Args:
        dial: Connects.
        tls: Gives what certificates are verified with, where that is needed.
    """

    def __init__(self, dial: Dial, tls: Callable[[], ssl.SSLContext]) -> None:
        self._dial = dial
        self._tls = tls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the beginning of its answer, whose stream is to be closed.

        Raises:
            httpx.TransportError: of the kind that httpx's own transport raises.
        """
        connection = _Connection(*await self._connected(request.url))
        try:
            await connection.send(request)
            return await connection.answer(request)
        except BaseException:
            connection.close()
            raise

    async def _connected(self, url: httpx.URL) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if url.scheme not in _PORTS or not url.host:
            raise httpx.UnsupportedProtocol("the URL is no absolute http or https URL")
        host = url.raw_host.decode("ascii")
        dialled = await self._dial(host, url.port or _PORTS[url.scheme])
        try:
            if url.scheme == "http":
                return await asyncio.open_connection(sock=dialled, limit=_PIECE)
            return await asyncio.open_connection(
                sock=dialled, limit=_PIECE, ssl=self._tls(), server_hostname=host.strip("[]")
            )
        except OSError as error:  # TLS has errors of this kind
            dialled.close()
            raise httpx.ConnectError(str(error)) from error
        except BaseException:
            dialled.close()
            raise


class _Connection(httpx.AsyncByteStream):
    """A connection that carries one request and its answer; it is the stream of the answer's body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._framing = 0
        self._pieces = 0
        self._body = 0

    async def send(self, request: httpx.Request) -> None:
        """Send a whole request."""
        try:
            head = self._state.send(
                h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            )
            content = await request.aread()
            body = self._state.send(h11.Data(data=content)) if content else b""
            end = self._state.send(h11.EndOfMessage())
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        if (sending := request.extensions.get(SENDING)) is not None:
            sending()
        with suppress(OSError):  # who closes early may have answered before
            self._writer.write(b"".join(piece for piece in (head, body, end) if piece))
            await self._writer.drain()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, as soon as its head is here."""
        for _ in range(MOST_INTERIM + 1):
            event = await self._head()
            if isinstance(event, h11.Response):
                return httpx.Response(
                    event.status_code, headers=event.headers.raw_items(), stream=self, request=request
                )
        raise AnswerTooCostly("too many interim answers come before it")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._part(), h11.Data):
            self._framing -= len(event.data)
            self._body += len(event.data)
            self._pieces += 1
            if self._pieces > MOST_PIECES + self._body // BYTES_OF_A_PIECE:
                raise AnswerTooCostly("it comes in too many pieces")
            if self._pieces % _PIECES_AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # what has arrived already is read without waiting, and others want their turn
            yield bytes(event.data)

    async def aclose(self) -> None:
        """Close the connection, at once where the answer wasn't read to its end."""
        self.close()

    def close(self) -> None:
        """Close the connection, without a word to whoever is still sending."""
        if self._state.their_state is h11.DONE:
            self._writer.close()
        else:
            self._writer.transport.abort()

    def _receive(self, received: bytes) -> None:
        # What has arrived of a body and isn't given out yet is no more than one reading.
        self._framing += len(received)
        if self._framing > MOST_FRAMING + _PIECE:
            raise AnswerTooCostly("there is too much around its body")
        self._state.receive_data(received)

    async def _head(self) -> h11.Response | h11.InformationalResponse:
        lines = 0
        while (event := self._next()) is h11.NEED_DATA:
            if lines > MOST_LINES + 1:  # the first says the status; none of them ended the head
                raise AnswerTooCostly(_TOO_MANY_LINES)
            received = await self._read(_PIECE_OF_A_HEAD)
            lines += received.count(b"\n")
            self._receive(received)
        if not isinstance(event, h11.Response | h11.InformationalResponse):
            raise httpx.RemoteProtocolError("there is no answer")
        if len(event.headers) > MOST_LINES:
            raise AnswerTooCostly(_TOO_MANY_LINES)
        return event

    async def _part(self) -> _Event:
        while (event := self._next()) is h11.NEED_DATA:
            self._receive(await self._read(_PIECE))
        return event

    def _next(self) -> _Event:
        try:
            event = self._state.next_event()
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        if isinstance(event, h11.ConnectionClosed):
            raise httpx.RemoteProtocolError("the connection ended before the answer")
        return event

    async def _read(self, size: int) -> bytes:
        try:
            return await self._reader.read(size)
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
