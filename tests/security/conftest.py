"""Fixtures of the tests of security."""

from collections.abc import AsyncIterator

import pytest

from automation.domain.limits import Limit
from security.authenticator import Authenticator
from security.rate_limits import RateLimits
from tests.security.directories import Clock, MemoryDirectory
from tests.security.windows import QUOTA, MemoryWindows


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


@pytest.fixture
def windows() -> MemoryWindows:
    return MemoryWindows()


@pytest.fixture
def rates(windows: MemoryWindows, clock: Clock) -> RateLimits:
    return RateLimits(windows, {Limit.REQUESTS_PER_MINUTE: QUOTA}, clock=clock)
