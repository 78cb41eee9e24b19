"""Fixtures of the tests of security."""

from collections.abc import AsyncIterator

import pytest

from security.authenticator import Authenticator
from tests.security.directories import Clock, MemoryDirectory


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(clock: Clock) -> MemoryDirectory:
    return MemoryDirectory(clock)


@pytest.fixture
async def authenticator(directory: MemoryDirectory, clock: Clock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(directory, clock=clock)
    authenticator.start()
    yield authenticator
    directory.open.set()
    await authenticator.stop()
