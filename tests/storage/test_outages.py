"""PostgreSQL goes away in every way it can: callers are told in time, and served again as soon as it is back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from automation.domain.errors import Unavailable
from automation.storage.embedded import EmbeddedServer
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from automation.storage.pool.outage import LOGGER, SILENT_STATEMENTS
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample
from tests.system.processes import frozen

POOL_TIMEOUT = 0.5
QUERY_TIMEOUT = 0.75
GREETING = b"SELECT 'here'"
HERE = ("here",)


@pytest.fixture(scope="module")
def server(data_directories: Callable[[str], Path]) -> Iterator[EmbeddedServer]:
    """A server of this module's own, to be stopped and frozen."""
    own = EmbeddedServer(data_directories("outages"), fast=True)
    own.start()
    yield own
    own.discard()


@pytest.fixture
async def pool(server: EmbeddedServer) -> AsyncIterator[Database]:
    """A pool on that server, with all of its connections open and used."""
    database = open_to(server.start().api)
    await database.open()
    await greetings(database)
    yield database
    await database.close()


def open_to(url: str) -> Database:
    return Database(
        url,
        pool_min=4,
        pool_max=4,
        pool_timeout=POOL_TIMEOUT,
        query_timeout=QUERY_TIMEOUT,
        application_name="outages",
    )


async def greetings(database: Database) -> list[object]:
    """Ask from more clients at once than there are connections."""
    asked = [database.fetch_row(GREETING) for _ in range(12)]
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def seconds_to_recover(database: Database) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 10:
        try:
            assert await database.fetch_row(GREETING) == HERE
        except Unavailable:
            await asyncio.sleep(0.02)
        else:
            break
    return time.monotonic() - started


async def seconds_to_refuse(database: Database) -> float:
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await database.fetch_row(GREETING)
    return time.monotonic() - started


async def refusal(database: Database) -> str:
    with pytest.raises(Unavailable) as caught:
        await database.fetch_row(GREETING)
    return str(caught.value)


async def backends(database: Database) -> set[int]:
    """Return who serves the pool's connections."""
    asked = [database.fetch_row(b"SELECT pg_backend_pid() FROM pg_sleep(0.05)") for _ in range(4)]
    return {row[0] for row in await asyncio.gather(*asked) if row is not None}


@contextmanager
def frozen_backend(server: EmbeddedServer) -> Iterator[int]:
    """Freeze one of those who serve the pool."""
    with psycopg.connect(server.start().admin) as admin:
        found = admin.execute("SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'outages'").fetchone()
    assert found is not None
    backend = psutil.Process(found[0])
    backend.suspend()
    try:
        yield backend.pid
    finally:
        with suppress(psutil.NoSuchProcess):
            backend.resume()


@contextmanager
def stopped(server: EmbeddedServer) -> Iterator[None]:
    server.halt()
    try:
        yield
    finally:
        server.resume()


async def terminate(admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    """End the connection that waits for a lock, once it does."""
    query = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'outages' AND wait_event_type = 'Lock'"
    )
    for _ in range(500):
        await asyncio.sleep(0.01)
        if admin.execute(query).fetchall():
            return
    raise AssertionError("nobody waits for a lock")


async def test_a_restart_goes_unnoticed_by_who_comes_after_it(server: EmbeddedServer, pool: Database) -> None:
    with stopped(server):
        pass

    assert await greetings(pool) == [HERE] * 12


async def test_a_short_restart_is_waited_out(server: EmbeddedServer) -> None:
    patient = Database(
        server.start().api, pool_min=4, pool_max=4, pool_timeout=2.5, query_timeout=1, application_name="patient"
    )
    await patient.open()
    await greetings(patient)
    with stopped(server):
        asking = asyncio.create_task(greetings(patient))
        await asyncio.sleep(0.1)

    answers = await asking
    await patient.close()

    assert answers == [HERE] * 12


async def test_lost_connections_go_unnoticed(server: EmbeddedServer, pool: Database) -> None:
    with psycopg.connect(server.start().admin, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outages'")

    assert await greetings(pool) == [HERE] * 12


async def test_an_outage_is_told_once_and_its_end_once(
    server: EmbeddedServer, pool: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    with stopped(server):
        for _ in range(3):
            await greetings(pool)
    await seconds_to_recover(pool)
    await greetings(pool)

    told = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert told == ["database away", "database back"]


async def test_while_it_is_away_answers_come_in_time_and_then_fast(server: EmbeddedServer, pool: Database) -> None:
    with stopped(server):
        first = await seconds_to_refuse(pool)
        await asyncio.sleep(POOL_TIMEOUT)
        later = [await seconds_to_refuse(pool) for _ in range(3)]
    recovered = await seconds_to_recover(pool)

    assert first < POOL_TIMEOUT + QUERY_TIMEOUT + 0.5
    assert max(later) < 0.75
    assert recovered < 2


async def test_after_a_long_outage_it_recovers_as_fast(server: EmbeddedServer, pool: Database) -> None:
    with stopped(server):
        # Long enough for the pool to have given up on every connection.
        for _ in range(4):
            await greetings(pool)
            await asyncio.sleep(0.1)
    recovered = await seconds_to_recover(pool)

    assert recovered < 2
    assert await greetings(pool) == [HERE] * 12


async def test_a_frozen_server_hangs_nobody(server: EmbeddedServer, pool: Database) -> None:
    with frozen(server.postmaster_pid() or 0):
        started = time.monotonic()
        answers = await greetings(pool)
        first = time.monotonic() - started
        later = [await seconds_to_refuse(pool) for _ in range(2)]
    recovered = await seconds_to_recover(pool)

    assert [type(answer) for answer in answers] == [Unavailable] * 12
    assert first < POOL_TIMEOUT + QUERY_TIMEOUT + 0.5
    assert max(later) < 0.75
    assert recovered < 2
    assert await greetings(pool) == [HERE] * 12


async def test_one_statement_that_gets_no_answer_is_no_outage(server: EmbeddedServer, pool: Database) -> None:
    before = await backends(pool)
    with frozen_backend(server) as backend:
        answers = await greetings(pool)
        meanwhile = await greetings(pool)

    late = [answer for answer in answers if answer != HERE]
    assert [str(answer) for answer in late] == ["The database did not answer in time."]
    assert meanwhile == [HERE] * 12
    assert await backends(pool) & before == before - {backend}


async def test_statements_in_a_row_that_get_no_answer_are_an_outage(server: EmbeddedServer, pool: Database) -> None:
    with frozen(server.postmaster_pid() or 0):
        said = [await refusal(pool) for _ in range(SILENT_STATEMENTS + 1)]

    slow, away = "The database did not answer in time.", "The database cannot be reached."
    assert said == [slow] * (SILENT_STATEMENTS - 1) + [away] * 2


async def test_a_backend_that_is_shut_down_leaves_the_others_alone(server: EmbeddedServer, pool: Database) -> None:
    before = await backends(pool)
    with psycopg.connect(server.start().admin, autocommit=True) as admin:
        victim = min(before)
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (victim,))

    assert await greetings(pool) == [HERE] * 12
    assert await backends(pool) & before == before - {victim}


async def test_what_took_too_long_in_a_process_that_was_held_is_answered(pool: Database) -> None:
    asked = asyncio.create_task(pool.fetch_row(b"SELECT 'here' FROM pg_sleep(0.1)"))
    await asyncio.sleep(0.05)
    time.sleep(QUERY_TIMEOUT + 1)  # noqa: ASYNC251 - as a loop is held by anything else

    assert await asked == HERE


async def test_a_statement_gets_what_is_left_of_the_time_that_somebody_waits(pool: Database) -> None:
    nearly_over = time.monotonic() - QUERY_TIMEOUT - 0.25
    over = time.monotonic() - POOL_TIMEOUT - QUERY_TIMEOUT - 1

    (row,) = await pool.fetch_rows(b"SELECT current_setting('statement_timeout')", since=nearly_over)
    with pytest.raises(Unavailable):
        await pool.fetch_rows(GREETING, since=over)
    (afterwards,) = await pool.fetch_rows(b"SELECT current_setting('statement_timeout')")

    assert 0 < int(row[0].removesuffix("ms")) < QUERY_TIMEOUT * 1000
    assert afterwards == (f"{int(QUERY_TIMEOUT * 1000)}ms",)


async def test_a_hurried_statement_that_takes_too_long_says_so(pool: Database) -> None:
    nearly_over = time.monotonic() - QUERY_TIMEOUT - 0.25

    with pytest.raises(Unavailable, match="in time") as caught:
        await pool.fetch_rows(b"SELECT FROM pg_sleep(10)", since=nearly_over)

    assert caught.value.timed_out
    assert await pool.fetch_row(GREETING) == HERE


async def test_a_transaction_on_a_frozen_server_is_unavailable(server: EmbeddedServer, pool: Database) -> None:
    async def write() -> None:
        async with pool.transaction(uuid4()) as transaction:
            with frozen(server.postmaster_pid() or 0):
                await transaction.execute(GREETING)

    started = time.monotonic()
    with pytest.raises(Unavailable):
        await write()

    assert time.monotonic() - started < QUERY_TIMEOUT + 0.5


async def test_a_pool_that_opens_while_it_is_away_serves_when_it_is_back(server: EmbeddedServer) -> None:
    early = open_to(server.start().api)
    with stopped(server):
        await early.open()
        refused = await seconds_to_refuse(early)
    recovered = await seconds_to_recover(early)
    await early.close()

    assert refused < POOL_TIMEOUT + 0.25
    assert recovered < 2


async def test_a_read_whose_connection_breaks_is_tried_again(database_urls: DatabaseUrls) -> None:
    database = open_to(database_urls.api)
    await database.open()
    await greetings(database)
    with psycopg.connect(database_urls.admin, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(1)")
        reading = asyncio.create_task(database.fetch_row(b"SELECT 'here' FROM pg_advisory_xact_lock(1)"))

        await terminate(admin)

    assert await reading == HERE
    await database.close()


async def test_a_use_of_a_key_whose_connection_breaks_is_not_counted_twice(
    ours: Sample, database_urls: DatabaseUrls
) -> None:
    digest = ours.add_key(usage_limit=5)
    database = open_to(database_urls.api)
    await database.open()
    with (
        psycopg.connect(database_urls.owner) as owner,
        psycopg.connect(database_urls.admin, autocommit=True) as admin,
    ):
        owner.execute("SELECT FROM api_keys WHERE digest = %s FOR UPDATE", (digest,))
        counting = asyncio.create_task(KeyDirectory(database).resolve(digest, None, count=True))

        await terminate(admin)
        with pytest.raises(Unavailable):
            await counting
        await database.close()

        owner.rollback()
        counted = owner.execute("SELECT usage_count FROM api_keys WHERE digest = %s", (digest,)).fetchone()
    assert counted == (0,)


async def test_a_server_with_no_connection_left_is_unavailable(server: EmbeddedServer) -> None:
    with psycopg.connect(server.start().admin, autocommit=True) as admin:
        admin.execute("ALTER ROLE automation_api_login CONNECTION LIMIT 0")
        database = open_to(server.start().api)
        await database.open()
        refused = await seconds_to_refuse(database)

        admin.execute("ALTER ROLE automation_api_login CONNECTION LIMIT -1")
        recovered = await seconds_to_recover(database)
        await database.close()

    assert refused < POOL_TIMEOUT + 0.25
    assert recovered < 2
