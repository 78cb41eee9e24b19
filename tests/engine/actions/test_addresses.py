from ipaddress import ip_address

import pytest

from automation.engine.actions.addresses import decide, dialled
from automation.engine.networks import networks

REFUSED = {
    "0.0.0.0": "this network",  # noqa: S104 nothing is bound to it
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade",
    "100.100.100.200": "metadata",
    "100.127.255.255": "carrier-grade",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "metadata",
    "169.254.169.254": "metadata",
    "169.254.170.2": "metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "metadata",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "IPv4-compatible",
    "::8.8.8.8": "IPv4-compatible",
    "::ffff:10.0.0.1": "private",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "metadata",
    "::ffff:0:127.0.0.1": "reserved",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::808:808": "NAT64",
    "64:ff9b:1::a00:1": "NAT64",
    "100::1": "discarded",
    "2001::1": "Teredo",
    "2001:2::1": "benchmarking",
    "2001:10::1": "protocol",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "fc00::1": "unique local",
    "fd00:ec2::254": "metadata",
    "fd12:3456::1": "unique local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
}

PERMITTED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "168.63.129.17",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_an_address_inside_is_refused_with_the_reason(address: str, reason: str) -> None:
    decision = decide(ip_address(address))

    assert decision is not None
    assert reason in decision


@pytest.mark.parametrize("address", PERMITTED)
def test_an_address_of_the_public_internet_is_permitted(address: str) -> None:
    assert decide(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "allow"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("169.254.169.254", "169.254.0.0/16"),
        ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ("fd00::1", "fd00::/8"),
        ("64:ff9b::808:808", "64:ff9b::/96"),
        ("64:ff9b:1::a00:1", "64:ff9b:1::/48"),
    ],
)
def test_an_operator_can_allow_a_network(address: str, allow: str) -> None:
    assert decide(ip_address(address), networks([allow])) is None


@pytest.mark.parametrize(
    ("address", "allow"),
    [
        ("10.1.2.3", ["10.1.2.4"]),
        ("127.0.0.1", ["::/0"]),
        ("::ffff:127.0.0.1", ["::/0"]),
        ("::1", ["0.0.0.0/0"]),
        ("64:ff9b::7f00:1", ["64:ff9b::/96"]),
        ("64:ff9b::7f00:1", ["127.0.0.0/8"]),
    ],
)
def test_what_is_allowed_allows_nothing_else(address: str, allow: list[str]) -> None:
    assert decide(ip_address(address), networks(allow)) is not None


def test_a_mapped_address_is_dialled_as_the_ipv4_address_that_it_is() -> None:
    assert dialled(ip_address("::ffff:127.0.0.1")) == ip_address("127.0.0.1")
    assert dialled(ip_address("::1")) == ip_address("::1")


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "localhost", ""])
def test_a_network_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        networks([text])
