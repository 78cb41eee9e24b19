"""Guards outgoing connections: resolves each name, checks each address, and connects to the checked one.

The check sits below HTTP, at the point where a connection is opened, so that no spelling of a URL goes around it, and a
name that resolves differently a moment later (DNS rebinding) changes nothing: TLS and the Host header still carry the
name, the connection goes to the literal address that was decided on.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version
from ipaddress import ip_address

import httpcore
import httpx

from automation.engine.actions.addresses import Address, decide, dialled
from automation.engine.networks import Network

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

USER_AGENT = f"automation-executions/{version('automation-executions')}"

_ADDRESSES_TRIED = 8
_RESOLVER_THREADS = 16
# An address that doesn't answer must not use up the time of the next one: half of what RFC 8305 lets pass in all.
_SECONDS_BEFORE_THE_NEXT = 2.0

# At INFO httpx writes the whole URL of every request, query and all.
logging.getLogger("httpx").setLevel(logging.WARNING)


class EgressRefused(httpx.ConnectError):
    """The call would go to an address that calls may not go to; nothing was sent."""


class NameNotResolved(httpx.ConnectError):
    """The host's name has no address; nothing was sent."""


class Egress:
    """Makes HTTP clients that only reach permitted addresses.

    Args:
        allow: Networks that are permitted although the fixed table refuses them (``AUTOMATION_EGRESS_ALLOW``).
        resolve: Finds the addresses of a host; the operating system does unless told otherwise.
    """

    def __init__(self, allow: Collection[Network] = (), *, resolve: Resolve | None = None) -> None:
        self._allow = tuple(allow)
        self._resolve = resolve or _SystemResolver()

    def client(self) -> httpx.AsyncClient:
        """Return a new client for one call, to be closed by the caller.

        It follows no redirects, reads no proxies, certificates or credentials from the environment, and keeps no time
        limits of its own. One for each call: tenants share neither cookies nor connections, and a connection that went
        stale can't leave the outcome of the next call unknown.
        """
        return httpx.AsyncClient(
            transport=self._transport(),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 the caller has one deadline for the whole call
            headers={"user-agent": USER_AGENT, "accept-encoding": "gzip", "connection": "close"},
        )

    def _transport(self) -> httpx.AsyncHTTPTransport:
        transport = httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False)
        # httpx offers no parameter for this. If the attribute is gone, going on would mean going unguarded.
        if not isinstance(getattr(transport, "_pool", None), httpcore.AsyncConnectionPool):
            raise TypeError("httpx keeps its connection pool elsewhere: the egress guard can't be put in place")
        transport._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001 tested by a canary
            ssl_context=_tls(),
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=GuardedBackend(self._allow, self._resolve),
        )
        return transport


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore, to permitted addresses alone."""

    def __init__(self, allow: Collection[Network], resolve: Resolve) -> None:
        self._allow = allow
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._permitted(host, port)
                return await self._first_that_answers(addresses, port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 the signature is httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise EgressRefused("calls don't go to Unix sockets")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _permitted(self, host: str, port: int) -> list[Address]:
        """Return what to dial for a host; one refused address refuses all, since the answer may be crafted."""
        found = [dialled(ip_address(text)) for text in await self._resolve(host, port)]
        if not found:
            raise NameNotResolved("the host's name could not be resolved")
        for address in found:
            reason = decide(address, self._allow)
            if reason is not None:
                raise EgressRefused(f"calls may not go to this address ({reason})")
        return list(dict.fromkeys(found))[:_ADDRESSES_TRIED]

    async def _first_that_answers(
        self,
        addresses: Sequence[Address],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        *others, last = addresses
        for address in others:
            try:
                return await self._backend.connect_tcp(
                    str(address), port, _SECONDS_BEFORE_THE_NEXT, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(str(last), port, None, local_address, socket_options)


class _SystemResolver:
    """Asks the operating system, in threads of its own: slow names of one tenant must not hold up anything else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _addresses, host, port)


@cache
def _tls() -> ssl.SSLContext:
    """Return what certificates are verified with: certifi's authorities, read once, since that takes a while."""
    return httpx.create_ssl_context(trust_env=False)


def _addresses(host: str, port: int) -> list[str]:
    try:
        answers = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return []
    return [str(address[0]) for *_, address in answers]
