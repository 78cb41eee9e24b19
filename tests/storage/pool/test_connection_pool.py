"""Connections that are taken and put back: how long one is waited for, and which of them is of no more use."""

import asyncio
from collections import deque
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from psycopg_pool import PoolTimeout

from automation.storage.pool import connection_pool, outage
from automation.storage.pool.causes import Causes
from automation.storage.pool.connection_pool import ConnectionPool
from automation.storage.pool.connections import Connection
from automation.storage.pool.outage import SILENT_STATEMENTS, Outage

OURS, THEIRS = UUID(int=1), UUID(int=2)
TIMEOUT = 4.0


class Line:
    """A connection of psycopg's pool, as it comes and as it comes back."""

    tenant: UUID | None = None

    def __init__(self, *, left: bool = False, outdated: bool = False, silent: bool = False) -> None:
        self.left, self.outdated, self.silent = left, outdated, silent
        self.closed = silent

    def left_by_server(self) -> bool:
        return self.left

    async def close(self) -> None:
        self.closed = True


class Psycopgs:
    """Psycopg's own pool: it gives what the test has laid there, and keeps what it was asked."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url, self.options = url, options
        self.gives = deque[Line | Exception]()
        self.asked: list[object] = []
        self.waited: list[float] = []
        self.back: list[tuple[Line, bool]] = []
        self.cancels = False

    async def open(self) -> None:
        self.asked.append("open")

    async def close(self) -> None:
        self.asked.append("close")

    async def drain(self) -> None:
        self.asked.append("drain")

    async def getconn(self, *, timeout: float) -> Line:  # noqa: ASYNC109 - so it is called
        self.waited.append(timeout)
        if self.cancels:
            # As asyncio.wait_for of Python 3.11 does, on which it waits, where both come together.
            cast("asyncio.Task[object]", asyncio.current_task()).cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        given = self.gives.popleft() if self.gives else Line()
        if isinstance(given, Exception):
            raise given
        return given

    async def putconn(self, line: Line) -> None:
        self.back.append((line, line.closed))


class Held:
    """A pool of two connections, with all that it was made of."""

    def __init__(self, *, prepare: bool = True) -> None:
        self.outage, self.causes = Outage(), Causes()
        self.pool = ConnectionPool(
            "the url",
            least=1,
            most=2,
            timeout=TIMEOUT,
            query_timeout=3.0,
            application_name="taken",
            prepare=prepare,
            outage=self.outage,
            causes=self.causes,
            set_up=self.set_up,
        )

    async def set_up(self, connection: Connection) -> None: ...

    @property
    def psycopgs(self) -> Psycopgs:
        return cast("Psycopgs", vars(self.pool)["_pool"])

    async def take(self, tenant: UUID | None = OURS, seconds: float | None = None) -> Line:
        return cast("Line", await self.pool.take(tenant, seconds))

    async def put(self, line: Line) -> None:
        await self.pool.put(cast("Connection", line))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    for module in (connection_pool, outage):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def held(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> Held:
    assert clock
    monkeypatch.setattr(connection_pool, "AsyncConnectionPool", Psycopgs)
    return Held()


@pytest.mark.parametrize(("prepare", "threshold"), [(True, 2**31), (False, None)])
async def test_psycopg_is_told_what_its_connections_are_made_with(
    held: Held, *, prepare: bool, threshold: int | None
) -> None:
    made = Held(prepare=prepare)

    assert made.psycopgs.url == "the url"
    assert made.psycopgs.options == {
        "connection_class": Connection,
        "kwargs": {
            "autocommit": True,
            "connect_timeout": 2,
            "application_name": "taken",
            "prepare_threshold": threshold,
            "outage": made.outage,
            "causes": made.causes,
            "query_timeout": 3.0,
        },
        "min_size": 1,
        "max_size": 2,
        "timeout": TIMEOUT,
        "reconnect_timeout": 1.0,
        "configure": made.set_up,
        "name": "taken",
        "open": False,
    }
    assert held.psycopgs.asked == []


async def test_it_is_opened_and_closed_when_that_is_asked(held: Held) -> None:
    await held.pool.open()
    await held.pool.close()

    assert held.psycopgs.asked == ["open", "close"]


@pytest.mark.parametrize(
    ("away", "seconds", "waits"),
    [
        (None, None, TIMEOUT),
        (None, 1.5, 1.5),
        (None, TIMEOUT + 1, TIMEOUT),
        (TIMEOUT - 0.5, None, TIMEOUT),
        (TIMEOUT, None, 0.5),
        (TIMEOUT, 0.25, 0.25),
    ],
)
async def test_a_connection_is_waited_for_as_long_as_it_may_take_and_in_an_outage_that_lasts_half_a_second(
    held: Held, clock: list[float], away: float | None, seconds: float | None, waits: float
) -> None:
    if away is not None:
        held.outage.begin("refused")
        clock[0] += away

    await held.take(OURS, seconds)

    assert held.psycopgs.waited == [waits]


async def test_one_that_the_server_has_left_is_closed_and_given_back_and_the_next_is_taken_in_what_time_is_left(
    held: Held, clock: list[float]
) -> None:
    class Late(Line):
        async def close(self) -> None:
            clock[0] += 1
            await super().close()

    left, good = Late(left=True), Line()
    held.psycopgs.gives.extend([left, good])

    taken = await held.take(OURS)

    assert taken is good
    assert taken.tenant == OURS
    assert held.psycopgs.back == [(left, True)]
    assert held.psycopgs.waited == [TIMEOUT, TIMEOUT - 1]


async def test_a_tenant_has_its_share_until_what_it_took_is_back(held: Held) -> None:
    first = await held.take(OURS)

    with pytest.raises(PoolTimeout):
        await held.take(OURS, 0)
    await held.take(THEIRS, 0)
    await held.put(first)

    assert held.psycopgs.back == [(first, False)]
    await held.take(None, 0)


async def test_who_gets_no_connection_is_told_and_holds_no_share(held: Held) -> None:
    held.psycopgs.gives.append(PoolTimeout("none was free"))

    with pytest.raises(PoolTimeout, match="none was free"):
        await held.take(OURS)

    assert (await held.take(OURS, 0)).tenant == OURS


async def test_what_cannot_be_put_back_is_nobodys_share_either(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(Exception):
        pass

    async def fail(_line: Line) -> None:
        raise Full

    line = await held.take(OURS)
    with monkeypatch.context() as patched:
        patched.setattr(held.psycopgs, "putconn", fail)
        with pytest.raises(Full):
            await held.put(line)

    assert (await held.take(OURS, 0)).tenant == OURS


async def test_one_that_is_outdated_is_closed_before_it_goes_back(held: Held) -> None:
    outdated = Line(outdated=True)
    held.psycopgs.gives.append(outdated)

    await held.put(await held.take())

    assert held.psycopgs.back == [(outdated, True)]


async def test_silence_is_counted_and_the_idle_ones_are_given_up_with_the_last_that_makes_it_an_outage(
    held: Held,
) -> None:
    drained = []
    for _ in range(SILENT_STATEMENTS):
        held.psycopgs.gives.append(Line(silent=True))
        await held.put(await held.take())
        drained.append(list(held.psycopgs.asked))

    assert drained == [*[[]] * (SILENT_STATEMENTS - 1), ["drain"]]
    assert held.outage.lasts()
    assert len(held.psycopgs.back) == SILENT_STATEMENTS


@pytest.mark.parametrize(("closed", "counted"), [(False, 0), (True, 1)])
async def test_whoever_answers_has_silence_counted_anew_but_not_a_connection_that_was_lost(
    held: Held, *, closed: bool, counted: int
) -> None:
    held.psycopgs.gives.append(Line(silent=True))
    await held.put(await held.take())
    answered = await held.take()
    answered.closed = closed

    await held.put(answered)

    assert held.outage.silent_statements == counted
    assert held.psycopgs.asked == []


async def test_who_is_cancelled_as_a_connection_comes_gives_it_back_and_is_cancelled(held: Held) -> None:
    line, held.psycopgs.cancels = Line(), True
    held.psycopgs.gives.append(line)
    taking = asyncio.create_task(held.take(OURS))

    await asyncio.wait([taking])

    assert taking.cancelled()
    assert held.psycopgs.back == [(line, False)]
    held.psycopgs.cancels = False
    assert (await held.take(OURS, 0)).tenant == OURS


async def test_who_was_cancelled_before_may_take_one_to_clean_up(held: Held) -> None:
    async def clean_up() -> Line:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return await held.take(OURS)
        raise AssertionError("it was to be cancelled")

    cleaning = asyncio.create_task(clean_up())
    await asyncio.sleep(0)
    cleaning.cancel()

    assert (await cleaning).tenant == OURS
    assert held.psycopgs.back == []
