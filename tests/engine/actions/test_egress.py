import asyncio
import logging
import socket
from collections.abc import Sequence
from ipaddress import ip_address

import httpx
import pytest

from automation.engine.actions.egress import Egress, EgressRefused, NameNotResolved, _connected
from automation.engine.networks import networks
from tests.engine.actions.loopback import listening
from tests.engine.actions.receiver import Receiver, response, writing

LOOPBACK = networks(["127.0.0.0/8"])


class Names:
    """A resolver that gives its answers one after the other, the last one for ever, and counts the questions."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "127\u30020\u30020\u30021",
        "\uff11\uff12\uff17.0.0.1",
    ],
)
async def test_no_spelling_of_loopback_is_reached(receiver: Receiver, host: str) -> None:
    async with Egress().client() as client:
        with pytest.raises((EgressRefused, NameNotResolved, httpx.InvalidURL)):
            await client.get(f"http://{host}:{receiver.port}/")

    assert receiver.received == []


async def test_a_client_keeps_no_cookies(receiver: Receiver) -> None:
    receiver.answer = writing(response(b"", "Set-Cookie: session=1"))

    async with Egress(LOOPBACK).client() as client:
        for _ in range(2):
            await client.get(receiver.url)

    assert len(client.cookies) == 0
    assert all("cookie" not in request.headers for request in receiver.received)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
async def test_an_allowed_address_is_reached_by_any_spelling(receiver: Receiver, host: str) -> None:
    egress = Egress(networks(["127.0.0.0/8", "::1"]))

    async with egress.client() as client:
        answer = await client.get(f"http://{host}:{receiver.port}/")

    assert answer.status_code == 200


async def test_the_address_that_was_checked_is_dialled_whatever_the_name_resolves_to_next(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])

    async with Egress(LOOPBACK, resolve=names).client() as client:
        answer = await client.get(f"http://rebinding.test:{receiver.port}/")

    assert answer.status_code == 200
    assert names.asked == ["rebinding.test"]
    assert receiver.received[0].headers["host"] == f"rebinding.test:{receiver.port}"


async def test_every_call_decides_anew(receiver: Receiver) -> None:
    egress = Egress(LOOPBACK, resolve=Names(["127.0.0.1"], ["10.0.0.1"]))

    async with egress.client() as client:
        await client.get(f"http://rebinding.test:{receiver.port}/")
        with pytest.raises(EgressRefused, match="private"):
            await client.get(f"http://rebinding.test:{receiver.port}/")

    assert len(receiver.received) == 1


@pytest.mark.parametrize("answer", [["127.0.0.1", "10.0.0.1"], ["fd00:ec2::254", "127.0.0.1"]])
async def test_one_refused_address_refuses_the_name(receiver: Receiver, answer: list[str]) -> None:
    async with Egress(LOOPBACK, resolve=Names(answer)).client() as client:
        with pytest.raises(EgressRefused):
            await client.get(f"http://mixed.test:{receiver.port}/")

    assert receiver.received == []


async def test_the_next_address_is_tried_when_one_refuses_the_connection(receiver: Receiver) -> None:
    egress = Egress(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.1"]))

    async with egress.client() as client:
        answer = await client.get(f"http://two.test:{receiver.port}/")

    assert answer.status_code == 200


async def test_a_name_without_addresses_is_not_resolved() -> None:
    async with Egress(LOOPBACK, resolve=Names([])).client() as client:
        with pytest.raises(NameNotResolved):
            await client.get("http://nowhere.test/")


async def test_tls_is_asked_for_by_name_at_the_address_that_was_checked() -> None:
    hello = bytearray()

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        hello.extend(await reader.read(4096))

    async with listening(listen) as port, Egress(LOOPBACK, resolve=Names(["127.0.0.1"])).client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"https://receiver.test:{port}/")

    assert b"receiver.test" in hello


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = writing(response(b"", f"Location: {receiver.url}/elsewhere", status="302 Found"))

    async with Egress(LOOPBACK).client() as client:
        answer = await client.get(receiver.url)

    assert answer.status_code == 302
    assert [one.target for one in receiver.received] == ["/"]


async def test_proxies_and_credentials_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async with Egress(LOOPBACK).client() as client:
        answer = await client.get(receiver.url)

    assert answer.status_code == 200
    assert receiver.received[0].headers["user-agent"].startswith("automation-executions/")
    assert "authorization" not in receiver.received[0].headers


async def test_the_query_of_a_url_is_not_logged(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with Egress(LOOPBACK).client() as client:
            await client.get(f"{receiver.url}/?token=hush")

    assert "hush" not in caplog.text


async def test_nothing_of_the_environment_is_read_for_a_call() -> None:
    async with Egress().client() as client:
        assert (client.trust_env, client.follow_redirects) == (False, False)


async def test_where_nobody_listens_nobody_answers_and_no_socket_blocks() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with Egress(LOOPBACK).client() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/")

        taken.listen()
        with await _connected(ip_address("127.0.0.1"), port) as made:
            assert made.getblocking() is False
