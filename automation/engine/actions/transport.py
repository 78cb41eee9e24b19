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

SENDING = "sending"
"""The extension of a request whose value is called, without arguments, right before the first byte leaves."""

_PIECE = 64 * 1024
_LONGEST_HEAD = 100 * 1024
_PORTS = {"http": 80, "https": 443}
_SWITCHING_PROTOCOLS = 101


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
        while True:
            event = await self._event()
            informs = isinstance(event, h11.InformationalResponse) and event.status_code != _SWITCHING_PROTOCOLS
            if isinstance(event, h11.Response | h11.InformationalResponse) and not informs:
                return httpx.Response(
                    event.status_code, headers=event.headers.raw_items(), stream=self, request=request
                )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._event(), h11.Data):
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

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        try:
            while (event := self._state.next_event()) is h11.NEED_DATA:
                self._state.receive_data(await self._reader.read(_PIECE))
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        if isinstance(event, h11.ConnectionClosed):
            raise httpx.RemoteProtocolError("the connection ended before the answer")
        return event  # type: ignore[return-value] # mypy doesn't take NEED_DATA away
