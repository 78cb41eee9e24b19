"""Fixtures of the room's tests."""

import pytest

from tests.contract import sample
from tests.contract.tiny import Handlers, Json


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Handlers:
    return Handlers(monkeypatch)


@pytest.fixture
def sound(handlers: Handlers) -> Json:
    """A contract in which nothing is wrong, with its handlers."""
    handlers.module("things", sample.get_thing, sample.put_thing)
    return sample.sound()
