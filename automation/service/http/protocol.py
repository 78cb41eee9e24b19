"""uvicorn's HTTP/1.1 with limits, and with refusals that are problem documents and log lines like all others."""

import asyncio
import fcntl
import termios
from typing import Any
from uuid import uuid4

import httptools
import orjson
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from automation.contract.compiled.problem_rules import MEDIA_TYPE
from automation.domain.errors import AutomationError, HeadersTooLarge, Unavailable
from automation.service.connection_bounds import Bounds
from automation.service.http import framing
from automation.service.http.connections import Connection, Connections
from automation.service.http.exchanges import Exchanges
from automation.service.http.hosts import Hosts
from automation.service.http.joined_writes import JoinedWrites
from automation.service.problems import describe, headers

SIZE_LIMIT = 64 * 1024
"""How many bytes the request line and the headers of a request may have, or its trailers."""
COUNT_LIMIT = 100
"""How many headers a request may have."""
TIME_LIMIT = 10.0
"""How many seconds headers may take from their first byte on."""

_LINGERING = 1.0
"""Tuned: seconds until a refused connection is closed; at once, with bytes unread, its client would lose the answer."""

_log = structlog.get_logger("automation.request")


class Protocol(Exchanges, Connection):
    """One connection.

    What belongs to headers or trailers ("fields") is counted before the parser sees it, so that it never holds more
    than the limit. The parser can't tell where in a piece a pipelined request begins: the piece that holds both the end
    of one request and the beginning of the next is not counted for the next one, whose limit is thus at most doubled.

    Args:
        prefix: What stands before every path: empty, or ``/prefix``.
        hosts: The hosts that requests may be meant for.
        connections: All connections of the process.
        arguments: uvicorn's own.
        options: uvicorn's own.
    """

    def __init__(
        self, *arguments: Any, hosts: Hosts, connections: Connections, prefix: str = "", **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.parser.set_dangerous_leniencies(lenient_version=True)  # judged in framing.py
        self._hosts = hosts
        self._connections = connections
        self._prefix = prefix
        self._reading_fields = True
        self._size = 0
        self._begun: bytes | memoryview = b""  # what came of a head first
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False
        self._last: RequestResponseCycle | None = None
        self._turned_away = False
        self._since = connections.now  # when the connection, or the request whose body is read, began
        self._received = 0  # bytes of the body that is read
        self._unsent: tuple[float, int] | None = None  # since when how many bytes of answers wait to be read

    @property
    def idle(self) -> bool:
        """Whether there is no request, neither begun nor still to be answered."""
        return (self.cycle is None or self.cycle.response_complete) and not (
            self._reading_fields and self._have_begun()
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection over; what is written to it leaves in as few pieces as possible."""
        super().connection_made(transport)
        self.transport = JoinedWrites(transport, self.loop)  # type: ignore[assignment]  # it passes on all the rest
        if self._connections.admits(self._address):
            self._connections.add(self, self._address)
        else:
            self._turn_away()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client is not None else ""

    def _turn_away(self) -> None:
        self._refused = True
        if not self._connections.begin_refusal():
            self.transport.abort()
            return
        self._turned_away = True
        self._answer(Unavailable("Too many connections are open."), str(uuid4()))

    def data_received(self, data: bytes) -> None:
        """Read what has come, in pieces that don't exceed a limit."""
        self._unset_keepalive_if_required()
        view = memoryview(data)
        position = 0
        while position < len(data) and not self._refused:
            position += self._feed(view[position : position + SIZE_LIMIT - self._size])
        if self._reading_fields and self._deadline is None and not self._refused and self._have_begun():
            self._deadline = self.loop.call_later(TIME_LIMIT, self._expire)

    def _feed(self, piece: memoryview) -> int:
        """Return how many bytes the parser took."""
        if self._reading_fields:
            if not self._size:
                self._begun = piece
            self._size += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            taken: int = upgrade.args[0]  # nothing is ever upgraded: what follows is the next request
            return taken
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, AutomationError) else framing.refusal(bytes(self._begun)))
        else:
            if self._size >= SIZE_LIMIT:
                self._refuse(HeadersTooLarge())
        return len(piece)

    def _have_begun(self) -> bool:
        return self._size > 0 or (self.scope is not None and "method" not in self.scope)

    def on_headers_complete(self) -> None:
        """Start or queue the request, unless it has too many headers, is not understood, or doesn't name its host."""
        self._end_fields(reading=False)
        if len(self.headers) > COUNT_LIMIT:
            raise HeadersTooLarge
        version = self.parser.get_http_version()
        judged = [field for field in self.headers if field[0] in framing.JUDGED]
        if len(judged) != 1 or version != framing.USUAL_VERSION:
            framing.require_understood(judged, version)
            self.expect_100_continue &= version != "1.0"
        self._hosts.require(judged, version)
        self._since = self._connections.now
        self._received = 0
        self._unsent = None
        super().on_headers_complete()
        if self._connections.ending:
            self.finish()

    def finish(self) -> None:
        """Let the answer to the newest request be the last one, and say so in it, where that is not too late."""
        cycle = self.cycle
        if cycle is self._last:
            return
        if self._last is not None and not self._last.response_started:
            self._last.keep_alive = True  # another one has come behind it
        if not cycle.response_started and cycle.keep_alive:
            cycle.keep_alive = False
            self._last = cycle

    def shutdown(self) -> None:
        """Close the connection, unless there is a request: then it is closed after the answer."""
        if self.idle and not self._holds_unread():
            self.transport.close()

    def _holds_unread(self) -> bool:
        """Return whether something has come that wasn't read yet: to close now would reset the connection."""
        connection = self.transport.get_extra_info("socket")
        waiting = termios.FIONREAD
        return not self.transport.is_closing() and fcntl.ioctl(connection.fileno(), waiting, bytes(4)) != bytes(4)

    def on_chunk_header(self) -> None:
        """Expect trailers: only the last chunk has none of a body's bytes. They are not made headers."""
        self._reading_fields = True
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self._end_fields(reading=False)
        self._received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next request."""
        self._end_fields(reading=True)
        self._begun = b""
        super().on_message_complete()

    def _end_fields(self, *, reading: bool) -> None:
        self._reading_fields = reading
        self._size = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_response_complete(self) -> None:
        """Go on with the next request, or close where what followed was refused."""
        if self._refused and not self.pipeline:
            self.transport.close()
        super().on_response_complete()
        if self._deadline is not None:
            self._unset_keepalive_if_required()  # the next request has begun: it has the time that headers have

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline, and the connection."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._connections.remove(self, self._address)
        if self._turned_away:
            self._connections.end_refusal()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Go on with answers, for most of what was written has been read."""
        self._unsent = None
        super().resume_writing()

    def expire(self, now: float, bounds: Bounds) -> None:
        """End the connection if it is silent for too long: from the beginning, in a body, or while it is answered."""
        if self._is_unread(now, bounds):
            self.transport.abort()
        elif self._reading_fields:
            if self.cycle is None and not self._have_begun() and now - self._since > bounds.first_byte_seconds:
                self.transport.close()
        elif not self._refused and now - self._since > bounds.body_seconds + self._received / bounds.slowest_rate:
            self._expire()

    def _is_unread(self, now: float, bounds: Bounds) -> bool:
        """Return whether too little of what is to be sent was read since the last time that this was judged."""
        size = self.transport.get_write_buffer_size()
        if not size:
            self._unsent = None
        elif self._unsent is None:
            self._unsent = (now, size)
        elif now - self._unsent[0] > bounds.write_seconds:
            read = self._unsent[1] - size
            self._unsent = (now, size)
            return read < bounds.slowest_rate * bounds.write_seconds
        return False

    def _expire(self) -> None:
        if self._stop_reading():
            self.transport.close()

    def _refuse(self, error: AutomationError) -> None:
        request_id = str(uuid4())
        answered = self._stop_reading()
        if answered:
            self._answer(error, request_id)
        _log.info(
            "request",
            request_id=request_id,
            method=None,
            operation=None,
            status=error.status if answered else None,
            code=error.code,
            duration_ms=0.0,
        )

    def _stop_reading(self) -> bool:
        """Read nothing more; return whether the connection may be used at once: no earlier request's answer is due.

        Otherwise it is closed after the last answer that is due.
        """
        self._end_fields(reading=False)
        self._refused = True
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        if not cycle.more_body:
            cycle.keep_alive = False
            return False
        if self.pipeline:
            self.pipeline.popleft()  # the newest request, whose own body will never be complete
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        return not cycle.response_started

    def _answer(self, error: AutomationError, request_id: str) -> None:
        body = orjson.dumps(describe(error, request_id, self._prefix))
        general = "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in self.server_state.default_headers)
        specific = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers(error).items())
        head = (
            f"{general}content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n{specific}"
            f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[error.status] + head.encode("ascii") + body)
        self.transport.write_eof()
        self.loop.call_later(_LINGERING, self.transport.close)
