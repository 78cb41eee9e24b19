"""The service answers whether it is alive and ready."""

import pytest

from automation.domain.errors import Unavailable
from automation.storage.pool.database import Database
from automation.storage.readiness import Readiness
from handlers.service import get_liveness, get_readiness


async def test_a_process_that_answers_is_alive() -> None:
    assert await get_liveness() == {"status": "alive"}


async def test_a_process_with_a_current_database_is_ready(database: Database) -> None:
    answer = await get_readiness(Readiness(database))

    assert answer == {"status": "ready", "database": "reachable", "migrations": "current"}


async def test_a_process_without_its_database_is_not_ready(database: Database) -> None:
    await database.close()

    with pytest.raises(Unavailable):
        await get_readiness(Readiness(database))
