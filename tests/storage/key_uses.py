"""Uses of one key by many clients of a process at once, counted; a test has several processes do it."""

import asyncio

from automation.domain.errors import ApiKeyOverLimit
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database

CLIENTS = 25
USES_OF_A_CLIENT = 3


async def accepted_uses(url: str, digest: bytes) -> int:
    """Use a key from many clients of one process at once, and return how often it was let in."""
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
