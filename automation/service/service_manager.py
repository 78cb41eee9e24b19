"""Notifies systemd, or another service manager at ``NOTIFY_SOCKET``, of the state of the process: sd_notify(3)."""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Self


class ServiceManager:
    """The service manager that started the process, if one did.

    Args:
        address: Where messages go: a path, or a name after an ``@`` in Linux's abstract namespace; None for nowhere.
        watchdog_seconds: After how long a silence the process is taken for hanging; None for never.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self._interval = None if watchdog_seconds is None else watchdog_seconds / 2
        self._said_at = float("-inf")

    @classmethod
    def of_this_process(cls, environment: MutableMapping[str, str] = os.environ) -> Self:
        """Return the service manager of this process, and remove it from the environment that children inherit.

        The variables are no settings of ours: service managers set them (sd_notify(3), sd_watchdog_enabled(3)).
        """
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        meant = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = meant and microseconds.isdigit() and int(microseconds) > 0
        return cls(address or None, int(microseconds) / 1_000_000 if watched else None)

    def ready(self) -> None:
        """Report that the process has started."""
        self._send("READY=1")

    def alive(self) -> None:
        """Report that the process is alive, at most once per interval, however often it is called."""
        now = time.monotonic()
        if self._interval is not None and now - self._said_at >= self._interval:
            self._said_at = now
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the process is stopping."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # Whoever doesn't listen any more misses it: the service goes on.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), address)
