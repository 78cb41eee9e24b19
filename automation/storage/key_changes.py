"""Hears of changes of keys, users, roles and limits as they are committed, on a connection of its own.

PostgreSQL delivers notifications in the order in which their transactions were committed. So the process sends itself
a token every quarter of a second: when it is back, whatever was committed before it was sent has been heard of. Nobody
can foresee a token, so nobody can send one in its place; what others send can only have keys looked up once more.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, Error, Notify
from psycopg.rows import TupleRow

from automation.domain.identifiers import parse_uuid

CHANNEL = "automation_keys"
BEAT = 0.25
"""Seconds from the sending of one token to that of the next."""
PAUSE = 0.5
"""Seconds after which a connection that broke is replaced: early enough for the next proof to follow the last."""
PAUSE_BEHIND_A_POOLER = 60.0

_EVERYBODY = "everybody"
_TOKEN_BYTES = 16
_PATIENCE = 2.0
"""Tuned: seconds for an answer on the connection."""
_SESSION = b"SELECT pg_backend_pid()"
_LISTEN = f"LISTEN {CHANNEL}".encode()
_PROVE = b"SELECT pg_backend_pid(), prove_key_changes_v1(p_token => %(token)s)"
_HELD = "this process or the database was held"

_log = logging.getLogger(__name__)


class Hearer(Protocol):
    """Who is told of changes; times are of the monotonic clock, in seconds."""

    def begin(self) -> None:
        """Note that from now on every change will be heard of."""

    def changed(self, subject: UUID | None) -> None:
        """Note that something of a user or of a tenant has changed, None for anybody's."""

    def proved(self, sent: float) -> None:
        """Note that all changes that were committed before ``sent`` have been heard of."""


class NotHeard(Exception):
    """Changes can't be heard of; the message says why, and ``pause`` how many seconds not to try again."""

    def __init__(self, reason: str, pause: float = PAUSE) -> None:
        super().__init__(reason)
        self.pause = pause


class KeyChanges:
    """Listens from ``start`` to ``stop``, again and again; that nothing can be heard is told once, and its end.

    Args:
        url: The database, as the API's role; it must lead to PostgreSQL itself, for a pooler's sessions are shared.
        hearer: Who is told.
        good_for: Seconds that the hearer relies on a proof.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self, url: str, hearer: Hearer, *, good_for: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._hearer = hearer
        self._good_for = good_for
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._connection: AsyncConnection[TupleRow] | None = None
        self._stopping = False
        self._dropped = False
        self._sent: dict[str, float] = {}
        self._proved_at = clock()
        self._unheard = False
        self._reason = _HELD

    def start(self) -> None:
        """Begin, in the running event loop; nothing waits for it."""
        self._stopping = False
        self._proved_at = self._clock()
        self._task = asyncio.create_task(self._listen_always())

    async def stop(self) -> None:
        """End, at once also where the database says nothing."""
        self._stopping = True
        if self._task is None:
            return
        if self._connection is None:
            self._task.cancel()
        else:
            # A cancellation would have psycopg ask the database to cancel the statement, and wait for it.
            _cut(self._connection)
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _listen_always(self) -> None:
        while not self._stopping:
            pause = PAUSE
            try:
                await self._listen()
            except NotHeard as failure:
                pause, self._reason = failure.pause, str(failure)
                self._tell()
            except (Error, OSError) as error:
                self._reason = " ".join(str(error).split())
            except Exception:  # noqa: BLE001 - the background task has to outlive whatever it meets
                _log.exception("listening for changes of keys broke off")
            if not self._stopping:
                await asyncio.sleep(pause)
                self._look()

    async def _listen(self) -> None:
        """Listen on one connection until it breaks."""
        self._connection = connection = await _connect(self._url)
        self._sent.clear()
        try:
            with _patient(connection):
                await _require_own_session(connection, await connection.execute(_SESSION))
                await connection.execute(_LISTEN)
            self._hearer.begin()
            while not self._stopping:
                sent = self._clock()
                await self._beat(connection, sent)
                async for notify in connection.notifies(timeout=max(0.0, sent + BEAT - self._clock())):
                    self._hear(notify, connection)
                self._look()
        finally:
            self._connection = None
            with suppress(Error, OSError):
                await connection.close()

    async def _beat(self, connection: AsyncConnection[TupleRow], sent: float) -> None:
        token = secrets.token_hex(_TOKEN_BYTES)
        self._sent = {token: sent}
        with _patient(connection):
            row = await _require_own_session(
                connection, await connection.execute(_PROVE, {"token": token}, prepare=True)
            )
        if not row[1]:
            raise NotHeard("triggers that tell of changes are missing or switched off")

    def _hear(self, notify: Notify, connection: AsyncConnection[TupleRow]) -> None:
        sent = self._sent.pop(notify.payload, None)
        if sent is not None and notify.pid == connection.info.backend_pid:
            self._prove(sent)
        elif notify.payload == _EVERYBODY:
            self._hearer.changed(None)
        elif (subject := parse_uuid(notify.payload)) is not None:
            self._hearer.changed(subject)
        elif not _is_token(notify.payload) and not self._dropped:
            self._dropped = True
            _log.warning("strange notification dropped", extra={"channel": notify.channel})

    def _prove(self, sent: float) -> None:
        self._look()  # who was stopped and goes on says so before it is as if nothing had been
        self._hearer.proved(sent)
        self._reason = _HELD
        if self._unheard and self._clock() < sent + self._good_for:
            self._unheard = False
            _log.info("changes of keys are heard again", extra={"seconds": round(sent - self._proved_at, 1)})
        self._proved_at = sent

    def _look(self) -> None:
        """Tell where the last proof is too old to be relied on."""
        if self._clock() >= self._proved_at + self._good_for:
            self._tell()

    def _tell(self) -> None:
        """Tell, once, that changes are not heard of."""
        if not self._unheard and not self._stopping:
            self._unheard = True
            _log.warning("changes of keys are not heard", extra={"error": self._reason})


async def _connect(url: str) -> AsyncConnection[TupleRow]:
    return await AsyncConnection.connect(
        url,
        autocommit=True,
        client_encoding="UTF8",  # what others notify can't be a reason to hear nothing
        application_name="automation-executions key changes",
        connect_timeout=3,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )


async def _require_own_session(connection: AsyncConnection[TupleRow], cursor: AsyncCursor[TupleRow]) -> TupleRow:
    """Return a row that begins with the process id of the session, if that is the one which was connected to."""
    row = await cursor.fetchone()
    if row is None or row[0] != connection.info.backend_pid:
        raise NotHeard("a pooler stands between, such as PgBouncer", PAUSE_BEHIND_A_POOLER)
    return row


@contextmanager
def _patient(connection: AsyncConnection[TupleRow]) -> Iterator[None]:
    """Break a connection whose server does not answer what the block asks."""
    giving_up = asyncio.get_running_loop().call_later(_PATIENCE, _cut, connection)
    try:
        yield
    finally:
        giving_up.cancel()


def _cut(connection: AsyncConnection[TupleRow]) -> None:
    if not connection.closed:
        with suppress(OSError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)


def _is_token(payload: str) -> bool:
    return len(payload) == 2 * _TOKEN_BYTES and payload.isalnum()
