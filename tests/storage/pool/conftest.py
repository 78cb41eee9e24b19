"""A connection for each test that asks for one, closed afterwards."""

from collections.abc import AsyncIterator

import pytest

from automation.storage.pool.connections import Connection
from tests.databases import DatabaseUrls
from tests.storage.pool.one_connection import connect


@pytest.fixture
async def connection(database_urls: DatabaseUrls) -> AsyncIterator[Connection]:
    """The API's connection in the module's database, outside of any pool."""
    async with await connect(database_urls.api) as made:
        yield made
