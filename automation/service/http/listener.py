"""The socket on which the server listens: opened before anything is served, so that a taken port is told at once."""

import errno
import socket

from automation.service.settings import variable


class AddressUnavailable(Exception):
    """Nothing can listen on the address; the message says why, and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        AddressUnavailable: It is taken, or is none of this machine's.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except (OSError, UnicodeError) as error:
        raise AddressUnavailable(f"cannot listen on {host} port {port}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"something else does; stop that, or take another port with --port or {variable('port')} (0: a free one)"
    return getattr(error, "strerror", None) or "it is no address"
