"""A limit is exact however many ask at once, from however many processes."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.databases import DatabaseUrls
from tests.storage.samples import Sample

pytestmark = pytest.mark.process

LIMIT = 40
CLIENTS = 25
USES_OF_A_CLIENT = 3


async def accepted_uses(url: str, digest: bytes) -> int:
    """Use a key from many clients of one process at once, and return how often it was let in."""
    from automation.domain.errors import ApiKeyOverLimit
    from automation.storage.keys import KeyDirectory
    from automation.storage.pool.database import Database

    database = Database(
        url, pool_min=10, pool_max=10, pool_timeout=4, query_timeout=4, application_name="counting", prepare=True
    )
    await database.open()
    keys = KeyDirectory(database)

    async def client() -> int:
        accepted = 0
        for _ in range(USES_OF_A_CLIENT):
            try:
                await keys.resolve(digest, None, count=True)
                accepted += 1
            except ApiKeyOverLimit:
                pass
        return accepted

    counts = await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await database.close()
    return sum(counts)


def in_a_process(url: str, digest: bytes) -> int:
    program = (
        "import asyncio, sys; from tests.storage.test_key_counting import accepted_uses;"
        "print(asyncio.run(accepted_uses(sys.argv[1], bytes.fromhex(sys.argv[2]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, url, digest.hex()], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_two_processes_let_in_as_many_uses_as_the_limit_says(ours: Sample, database_urls: DatabaseUrls) -> None:
    digest = ours.add_key(usage_limit=LIMIT)

    with ThreadPoolExecutor(2) as pool:
        accepted = list(pool.map(lambda _: in_a_process(database_urls.api, digest), range(2)))

    with psycopg.connect(database_urls.owner) as owner:
        counted = owner.execute("SELECT usage_count FROM api_keys WHERE digest = %s", (digest,)).fetchone()
    assert sum(accepted) == LIMIT
    assert counted == (LIMIT,)
