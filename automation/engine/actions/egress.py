"""Guards outgoing connections: resolves each name, checks each address, and connects to the checked one.

The check sits below HTTP, at the point where a connection is opened, so that no spelling of a URL goes around it, and a
name that resolves differently a moment later (DNS rebinding) changes nothing: TLS and the Host header still carry the
name, the connection goes to the literal address that was decided on.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from http.cookiejar import CookieJar
from importlib.metadata import version
from ipaddress import IPv4Address, ip_address

import httpx

from automation.engine.actions.addresses import Address, decide, dialled
from automation.engine.actions.transport import Transport
from automation.engine.networks import Network

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

USER_AGENT = f"automation-executions/{version('automation-executions')}"

_HEADERS = {"user-agent": USER_AGENT, "accept-encoding": "gzip", "connection": "close"}
_IPV4 = 4
_ADDRESSES_TRIED = 8
"""Tuned: addresses of a host that are tried at the most."""
_RESOLVER_THREADS = 16
"""Tuned: threads that look names up."""
_SECONDS_BEFORE_THE_NEXT = 2.0
"""Tuned: seconds after which an address that doesn't answer leaves the time to the next one: half of what RFC 8305 lets
pass in all."""

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
        self._transport = Transport(Guard(tuple(allow), resolve or _SystemResolver()).dial, _tls)

    def client(self) -> httpx.AsyncClient:
        """Return a new client for one call, to be closed by the caller.

        It follows no redirects, reads no proxies, certificates or credentials from the environment, and keeps no time
        limits of its own. It keeps no cookies, and calls share no connections, each of which carries one request: one
        that went stale can't leave the outcome of the next call unknown.
        """
        return httpx.AsyncClient(
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 the caller has one deadline for the whole call
            headers=_HEADERS,
            cookies=_NoCookies(),
        )


class _NoCookies(CookieJar):
    """A jar that stays empty: reading an answer's cookies takes long, and no request would carry them."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave the answer's cookies where they are."""


class Guard:
    """Opens TCP connections to permitted addresses alone.

    Args:
        allow: Networks that are permitted although the fixed table refuses them.
        resolve: Finds the addresses of a host.
    """

    def __init__(self, allow: Collection[Network], resolve: Resolve) -> None:
        self._allow = allow
        self._resolve = resolve

    async def dial(self, host: str, port: int) -> socket.socket:
        """Return a socket that is connected to the first permitted address of a host that answers.

        Raises:
            EgressRefused: Calls may not go there.
            NameNotResolved: There is no such host.
            httpx.ConnectError: Nobody answers.
        """
        *others, last = await self._permitted(host, port)
        for address in others:
            with suppress(OSError):  # a time that is over is one, too
                async with asyncio.timeout(_SECONDS_BEFORE_THE_NEXT):
                    return await _connected(address, port)
        try:
            return await _connected(last, port)
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

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


async def _connected(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == _IPV4 else socket.AF_INET6
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (str(address), port))
    except BaseException:
        made.close()
        raise
    return made


class _SystemResolver:
    """Asks the operating system, in threads of its own: slow names of one tenant must not hold up anything else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> list[str]:
        with suppress(ValueError):
            return [str(IPv4Address(host))]  # what is an address needs no thread; other spellings are the system's
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
