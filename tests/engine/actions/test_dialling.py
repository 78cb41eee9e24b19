"""Connections that are opened: to how many addresses of a name, one after the other, and what is left where none is."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from automation.engine.actions import egress
from automation.engine.actions.egress import Egress, EgressRefused, Guard
from automation.engine.networks import networks

LOOPBACK = networks(["127.0.0.0/8"])


class Dialled:
    """Notes the addresses that are dialled, and lets the last of so many answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answering: str | None = None) -> None:
        self.addresses: list[str] = []
        self.answering = answering
        monkeypatch.setattr(egress, "_connected", self._connected)

    async def _connected(self, address: object, _port: int) -> socket.socket:
        self.addresses.append(str(address))
        if str(address) == self.answering:
            return socket.socket()
        raise ConnectionRefusedError


def guard(*addresses: str) -> Guard:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return Guard(LOOPBACK, resolve)


async def test_eight_addresses_of_a_name_are_tried_each_once_and_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialled = Dialled(monkeypatch)
    names = [f"127.0.0.{number}" for number in range(1, 20)]

    with pytest.raises(httpx.ConnectError):
        await guard(names[0], *names).dial("name.example", 80)

    assert dialled.addresses == names[:8]


async def test_none_is_tried_after_one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled = Dialled(monkeypatch, answering="127.0.0.2")

    made = await guard("127.0.0.1", "127.0.0.2", "127.0.0.3").dial("name.example", 80)

    assert dialled.addresses == ["127.0.0.1", "127.0.0.2"]
    made.close()


async def test_an_address_that_is_refused_behind_those_that_would_be_tried_refuses_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialled = Dialled(monkeypatch)

    with pytest.raises(EgressRefused):
        await guard(*(f"127.0.0.{number}" for number in range(1, 12)), "10.0.0.1").dial("name.example", 80)

    assert dialled.addresses == []


@pytest.fixture
def silent() -> Iterator[int]:
    """A port of loopback whose queue of connections is full, so that the next one is not answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        yield port
        for one in waiting:
            one.close()


async def test_who_gives_up_leaves_no_socket_open(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Noted(socket.socket):
        def __init__(self, family: int, kind: int) -> None:
            super().__init__(family, kind)
            made.append(self)

    monkeypatch.setattr("automation.engine.actions.egress.socket.socket", Noted)
    dialling = asyncio.create_task(guard("127.0.0.1").dial("name.example", silent))
    for _ in range(10):
        await asyncio.sleep(0)
    monkeypatch.undo()

    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling

    assert [each.fileno() for each in made] == [-1]


async def test_a_connection_never_blocks_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = await guard("127.0.0.1").dial("name.example", server.getsockname()[1])

        assert not made.getblocking()
        made.close()


async def test_sixteen_names_are_looked_up_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    let = threading.Event()

    def slowly(_host: str, _port: int) -> list[str]:
        let.wait(30)
        return []

    monkeypatch.setattr(egress, "_addresses", slowly)
    resolver = egress._SystemResolver()
    looking = [asyncio.create_task(resolver("name.example", 80)) for _ in range(40)]
    for _ in range(3):
        await asyncio.sleep(0)
    threads = len(resolver._threads._threads)
    let.set()

    assert await asyncio.gather(*looking) == [[]] * 40
    assert threads == 16


def test_certificates_are_verified_by_the_same_authorities_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/authorities.pem")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    egress._tls.cache_clear()

    context = egress._tls()

    assert context.get_ca_certs()
    assert context.check_hostname
    egress._tls.cache_clear()


async def test_a_client_has_no_deadline_follows_nothing_and_trusts_no_environment() -> None:
    async with Egress(LOOPBACK).client() as client:
        assert client.timeout == httpx.Timeout(None)
        assert not client.follow_redirects
        assert not client.trust_env
