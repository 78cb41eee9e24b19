"""Fixtures of the tests of actions: a receiver on loopback, and actions that may reach it."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from automation.engine.actions import ActionResources, Actions, Egress, wait, webhook_call
from automation.engine.networks import networks
from tests.engine.actions.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
def actions() -> Actions:
    """Our actions, permitted to call loopback."""
    resources = ActionResources(egress=Egress(networks(["127.0.0.0/8"])))
    return Actions.of([webhook_call.action(resources), wait.action])


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses connections: bound for as long as the test runs, never listened on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
