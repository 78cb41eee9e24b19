"""A network of a machine's own: loopback alone, and one way out, which pip is told and nobody else.

The way is a proxy that listens inside the machine's network and runs outside of it, for a socket belongs to the network
that it was made in: nothing of it is among the machine's processes.
"""

import array
import fcntl
import selectors
import socket
import struct
import threading
from contextlib import closing, suppress
from urllib.parse import urlsplit

_GET_FLAGS = 0x8913  # SIOCGIFFLAGS
_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP = 0x1
_CHUNK = 65536
_PATIENCE = 60.0


def raise_loopback() -> None:
    """Bring up ``lo`` of the network that this process is in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        name, flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, _GET_FLAGS, request))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", name, flags | _UP))


def hand_out(channel: socket.socket) -> int:
    """Listen on a free port inside, give the listener to whoever is outside, and return the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))])
        port: int = listener.getsockname()[1]
    return port


class WayOut:
    """The proxy's end outside: serves the listener that ``channel`` brings, until the channel is closed.

    Args:
        channel: Where the listener comes from.
        upstream: The URL of the proxy that this machine itself uses; by default its hosts are called directly.
    """

    def __init__(self, channel: socket.socket, upstream: str | None) -> None:
        self._channel = channel
        self._upstream = urlsplit(upstream) if upstream else None
        threading.Thread(target=self._serve, name="way out", daemon=True).start()

    def _serve(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
        if not descriptors:
            return
        listener = socket.socket(fileno=descriptors[0])
        threading.Thread(target=self._close_in_the_end, args=(listener,), daemon=True).start()
        with closing(listener), suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _close_in_the_end(self, listener: socket.socket) -> None:
        with suppress(OSError):
            self._channel.recv(1)
            listener.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            client.settimeout(_PATIENCE)
            if self._upstream is not None:
                address = (self._upstream.hostname or "", self._upstream.port or 80)
                with closing(socket.create_connection(address, _PATIENCE)) as server:
                    _pass_on(client, server)
                return
            method, target = _head(client)
            if method != b"CONNECT":
                client.sendall(b"HTTP/1.1 501 Only HTTPS leads out of here\r\nConnection: close\r\n\r\n")
                return
            host, _, port = target.decode().rpartition(":")
            with closing(socket.create_connection((host.strip("[]"), int(port)), _PATIENCE)) as server:
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                _pass_on(client, server)


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    head = b""
    while b"\r\n\r\n" not in head:
        read = client.recv(_CHUNK)
        if not read:
            raise ConnectionError
        head += read
    method, target, _ = head.split(b"\r\n")[0].split(b" ")
    return method, target


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until either side has no more."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            ready = selector.select(_PATIENCE)
            if not ready:
                return
            for key, _ in ready:
                source: socket.socket = key.fileobj  # type: ignore[assignment]
                read = source.recv(_CHUNK)
                if not read:
                    return
                key.data.sendall(read)
