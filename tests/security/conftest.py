"""What the tests of security stand on."""

from collections.abc import AsyncIterator

import pytest

from security.authenticator import Principals
from tests.security.directories import Clock, MemoryDirectory


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(clock: Clock) -> MemoryDirectory:
    return MemoryDirectory(clock)


@pytest.fixture
async def principals(directory: MemoryDirectory, clock: Clock) -> AsyncIterator[Principals]:
    principals = Principals(directory, clock=clock)
    principals.start()
    yield principals
    directory.open.set()
    await principals.stop()
