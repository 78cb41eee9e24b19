"""Connections are counted, together and of each address, and told that they are to end before there are too many."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from automation.service.connection_bounds import Bounds
from automation.service.http import connections as of_connections
from automation.service.http.connections import Connection, Connections

BOUNDS = Bounds(
    first_byte_seconds=10.0, body_seconds=10.0, write_seconds=10.0, slowest_rate=1, most=10, most_per_address=3
)


class Open(Connection):
    """One that does nothing but say what it was told."""

    def __init__(self, *, idle: bool = True) -> None:
        self._idle = idle
        self.told: list[str] = []

    @property
    def idle(self) -> bool:
        return self._idle

    def finish(self) -> None:
        self.told.append("finish")

    def expire(self, now: float, bounds: Bounds) -> None:
        self.told.append(f"{now} {bounds.most}")


def added(connections: Connections, addresses: Sequence[str]) -> list[Open]:
    made = [Open() for _ in addresses]
    for connection, address in zip(made, addresses, strict=True):
        assert connections.admits(address)
        connections.add(connection, address)
    return made


async def test_an_address_has_so_many_and_another_as_many() -> None:
    connections = Connections(BOUNDS)
    first, *_ = added(connections, "aaab")

    assert [connections.admits(address) for address in "abc"] == [False, True, True]
    connections.remove(first, "a")
    connections.remove(first, "a")
    assert connections.admits("a")
    connections.add(Open(), "a")
    assert not connections.admits("a")


async def test_there_are_so_many_in_all_and_near_that_each_ends_with_its_answer() -> None:
    connections = Connections(replace(BOUNDS, most_per_address=100))
    ending = []
    made = []
    for _ in range(BOUNDS.most):
        ending.append(connections.ending)
        made += added(connections, "a")

    assert not connections.admits("b")
    assert [*ending, connections.ending] == [False] * 10 + [True]
    connections.remove(made[0], "a")
    assert not connections.ending
    assert connections.admits("b")


async def test_an_address_without_connections_is_not_remembered() -> None:
    connections = Connections(BOUNDS)
    first, second = added(connections, "ab")

    connections.remove(first, "a")
    connections.remove(second, "b")

    assert dict(connections._addresses) == {}


async def test_that_there_are_too_many_is_told_once_in_a_while() -> None:
    connections = Connections(replace(BOUNDS, most=0))
    with capture_logs() as logs:
        for _ in range(3):
            connections.admits("a")
        connections.now += of_connections._SILENT_SECONDS
        connections.admits("a")

    assert [line["event"] for line in logs] == ["connections refused"] * 2


async def test_no_more_are_told_why_than_a_few_at_a_time() -> None:
    connections = Connections(BOUNDS)
    told = [connections.begin_refusal() for _ in range(of_connections._MOST_REFUSALS + 1)]

    assert told == [True] * of_connections._MOST_REFUSALS + [False]
    connections.end_refusal()
    assert [connections.begin_refusal(), connections.begin_refusal()] == [True, False]


@pytest.mark.parametrize(("idle", "any_idle"), [([], False), ([False, False], False), ([False, True], True)])
async def test_one_without_a_request_is_looked_for(idle: list[bool], *, any_idle: bool) -> None:
    connections = Connections(BOUNDS)
    for each in idle:
        connections.add(Open(idle=each), "a")

    assert connections.any_idle() is any_idle


async def test_all_are_told_to_finish_and_so_is_whatever_comes_then() -> None:
    connections = Connections(BOUNDS)
    made = added(connections, "ab")

    connections.finish()

    assert [each.told for each in made] == [["finish"], ["finish"]]
    connections.remove(made[0], "a")
    added(connections, "c")
    assert connections.ending
