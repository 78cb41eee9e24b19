"""Decides which addresses a call may go to, by a table of our own: ``ipaddress.is_global`` lets some through."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from automation.engine.networks import Network

Address = IPv4Address | IPv6Address

_IPV4_RANGES = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT, and a metadata service",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "a metadata service",
    "169.254.0.0/16": "link-local, and metadata services",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments, and a metadata service",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "reserved",
    "192.52.193.0/24": "reserved",
    "192.88.99.0/24": "6to4",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "reserved",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "255.255.255.255/32": "broadcast",
    "240.0.0.0/4": "reserved",
}

# The first that fits tells the reason; the last three are all that isn't global unicast (2000::/3).
_IPV6_RANGES = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::/96": "IPv4-compatible",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "100::/64": "discarded",
    "2001::/32": "Teredo",
    "2001:2::/48": "benchmarking",
    "2001:db8::/32": "documentation",
    "2001::/23": "protocol assignments",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "reserved",
    "3ffe::/16": "reserved",
    "3fff::/20": "documentation",
    "fd00:ec2::254/128": "a metadata service",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
    "::/3": "reserved",
    "4000::/2": "reserved",
    "8000::/1": "reserved",
}

_ipv4 = {IPv4Network(text): reason for text, reason in _IPV4_RANGES.items()}
_ipv6 = {IPv6Network(text): reason for text, reason in _IPV6_RANGES.items()}
_nat64 = IPv6Network("64:ff9b::/96")


def dialled(address: Address) -> Address:
    """Return the address that a connection really goes to: the IPv4 address for an IPv4-mapped one (::ffff:0:0/96)."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def decide(address: Address, allow: Collection[Network] = ()) -> str | None:
    """Return why a call may not go to an address, or None where it may.

    Args:
        address: What would be dialled.
        allow: The networks that the operator permits. For IPv4-mapped addresses IPv4 networks count. A NAT64 address
            (64:ff9b::/96) needs its own network here, and the IPv4 address in it must be permitted too.
    """
    address = dialled(address)
    permitted = any(address in network for network in allow)
    if permitted and isinstance(address, IPv6Address) and address in _nat64:
        return decide(IPv4Address(int(address) & 0xFFFFFFFF), allow)
    return None if permitted else _reason(address)


def _reason(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _ipv4.items() if address in network), None)
    return next((reason for network, reason in _ipv6.items() if address in network), None)
