"""The socket on which the server listens: opened before anything is served, so that a taken port is told at once."""

import ctypes
import errno
import socket
import struct
import sys
from contextlib import suppress

from automation.service.settings import variable

SETTLING_SECONDS = 0.25
"""How long a handshake may take that had begun before the socket took no more."""

_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, which the module socket doesn't name: socket(7)
# For the kernel's packet filter: drop a segment with SYN and without ACK, which opens a connection, and take all else.
_PROGRAM = (
    struct.pack("HxxI", 0x30, 13),  # load the byte with the flags
    struct.pack("HxxI", 0x54, 0x12),  # keep SYN and ACK of it
    struct.pack("HBxI", 0x15, 1, 0x02),  # is it SYN alone? then skip one
    struct.pack("HxxI", 0x06, 0xFFFFFFFF),  # take it
    struct.pack("HxxI", 0x06, 0),  # drop it
)
_BACKLOG = 2048
"""Tuned: connections that may wait to be taken."""


class AddressUnavailable(Exception):
    """Nothing can listen on the address; the message says why, and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        AddressUnavailable: It is taken, or is none of this machine's.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except (OSError, UnicodeError) as error:
        raise AddressUnavailable(f"cannot listen on {host} port {port}: {_reason(error)}") from error


def take_no_more(listener: socket.socket) -> None:
    """Let no new connection come in, in whatever process the socket is shared with; those that are in the queue stay.

    Who asks for a connection from now on asks again a second later, and is refused if the socket is closed by then. On
    Linux; elsewhere nothing is done, and a connection that comes in between the last look at the queue and the end of
    the socket is reset.
    """
    if sys.platform == "linux":
        program = ctypes.create_string_buffer(b"".join(_PROGRAM))
        with suppress(OSError):
            listener.setsockopt(
                socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(_PROGRAM), ctypes.addressof(program))
            )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"something else does; stop that, or take another port with --port or {variable('port')} (0: a free one)"
    return getattr(error, "strerror", None) or "it is no address"
