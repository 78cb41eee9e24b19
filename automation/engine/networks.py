"""Networks as operators write them: named here once, for the settings and the guard of outgoing calls."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks written as CIDR, or as single addresses.

    Raises:
        ValueError: for one that isn't a network, or has bits set behind its prefix.
    """
    return tuple(ip_network(text.strip()) for text in texts)
