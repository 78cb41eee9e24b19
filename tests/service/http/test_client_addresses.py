"""A client's address is the connection's own, unless a trusted proxy says another."""

import pytest

from automation.engine.networks import networks
from automation.service.http.client_addresses import ClientAddresses

PROXIES = networks(["10.0.0.0/8", "fd00::/8"])


def address(*forwarded: str, peer: str = "10.0.0.1", trusting: bool = True) -> str | None:
    """Return whom a request comes from."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": (peer, 1234), "headers": [(b"host", b"example"), *headers]}
    return ClientAddresses(PROXIES if trusting else ()).of(scope)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 10.0.0.9"], "192.0.2.7"),
        (["203.0.113.5, 192.0.2.7", "10.0.0.9"], "192.0.2.7"),
        (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, nonsense"], "10.0.0.1"),
        (["192.0.2.7, unknown, fd00::9"], "fd00::9"),
        ([""], "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_is_believed_as_far_as_its_word_goes(forwarded: list[str], client: str) -> None:
    assert address(*forwarded) == client


def test_nobody_else_is_believed() -> None:
    assert address("192.0.2.7", peer="198.51.100.1") == "198.51.100.1"
    assert address("192.0.2.7", trusting=False) == "10.0.0.1"


def test_a_connection_may_have_no_address() -> None:
    for headers in ([], [(b"x-forwarded-for", b"192.0.2.7")]):
        assert ClientAddresses(PROXIES).of({"type": "http", "client": None, "headers": headers}) is None
