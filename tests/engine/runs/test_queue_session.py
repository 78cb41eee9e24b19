"""Sessions of the queue: what only tells of work isn't waited for on the disk, whatever the database has as its own."""

import psycopg

from automation.engine.runs.queue import set_up
from tests.databases import DatabaseUrls


async def test_jobs_are_not_waited_for_on_the_disk(database_urls: DatabaseUrls) -> None:
    always = "-c synchronous_commit=on"
    async with await psycopg.AsyncConnection.connect(database_urls.worker, options=always) as connection:
        await set_up(connection)
        shown = await (await connection.execute("SHOW synchronous_commit")).fetchone()

    assert shown == ("off",)
    assert connection.autocommit
