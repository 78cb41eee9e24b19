"""A socket that listens: why it can't is told, and once it takes no more, only those are left that were there."""

import socket
import sys

import pytest

from automation.service.http.listener import AddressUnavailable, listen, take_no_more

HERE = "127.0.0.1"


def refusal(host: str, port: int) -> str:
    with pytest.raises(AddressUnavailable) as refused:
        listen(host, port)
    return str(refused.value)


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with listen(HERE, 0) as taken:
        port = taken.getsockname()[1]
        told = refusal(HERE, port)

    assert told.startswith(f"cannot listen on {HERE} port {port}: something else does")
    assert "--port or AUTOMATION_PORT" in told


def test_an_address_of_nobody_here_is_told_with_its_reason() -> None:
    told = refusal("192.0.2.1", 0)

    assert told.startswith("cannot listen on 192.0.2.1 port 0: ")
    assert "assign" in told


def test_what_is_no_address_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def unspeakable(*_: object, **__: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "create_server", unspeakable)

    assert refusal("é" * 64, 0).endswith(": it is no address")


@pytest.mark.skipif(sys.platform != "linux", reason="The kernel's filter is Linux's.")
def test_one_that_takes_no_more_keeps_those_that_wait() -> None:
    with listen(HERE, 0) as listener, socket.create_connection(listener.getsockname()) as first:
        take_no_more(listener)

        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.2)

        accepted, _ = listener.accept()
        with accepted:
            first.sendall(b"here")
            assert accepted.recv(4) == b"here"


@pytest.mark.skipif(sys.platform != "linux", reason="The kernel's filter is Linux's.")
def test_whatever_does_not_open_a_connection_comes_in_as_before() -> None:
    with (
        listen(HERE, 0) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as accepted,
    ):
        take_no_more(accepted)
        accepted.settimeout(2)
        client.sendall(b"here")
        client.shutdown(socket.SHUT_WR)

        assert accepted.recv(4) + accepted.recv(4) == b"here"


def test_one_of_another_family_is_listened_to_as_well() -> None:
    if not socket.has_ipv6:
        pytest.skip("This machine has no IPv6.")
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("This machine has no IPv6.")

    with listen("::1", 0) as listener:
        assert listener.family == socket.AF_INET6
