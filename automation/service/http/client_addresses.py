"""Addresses of clients for the log: the connection's own, or what proxies say that the operator trusts."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import Scope

from automation.engine.networks import Network

Address = IPv4Address | IPv6Address

# An address as proxies write it into X-Forwarded-For: some add the port, and brackets around one of IPv6.
_written = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}|([0-9A-Fa-f:.]+)").fullmatch


class ClientAddresses:
    """Tells who sent a request.

    ``X-Forwarded-For`` is read from its end, where the nearest proxy wrote, for as long as who wrote it is trusted:
    what stands before the first address that isn't is the client's own invention.

    Args:
        trusted: The networks of the proxies.
    """

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def of(self, scope: Scope) -> str | None:
        """Return the client's address, None where the connection has none, as one over a Unix socket."""
        client = scope.get("client")
        peer: str | None = client[0] if client else None
        if peer is None or not self._trusted:
            return peer
        return self._forwarded(peer, scope)

    def _forwarded(self, peer: str, scope: Scope) -> str:
        written = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        hops = written.decode("latin-1").split(",") if written else []
        nearest = peer
        while hops and self._is_trusted(nearest) and (hop := _address(hops.pop())) is not None:
            nearest = str(hop)
        return nearest

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    found = _written(text.strip())
    try:
        address = None if found is None else ip_address("".join(found.groups("")))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
