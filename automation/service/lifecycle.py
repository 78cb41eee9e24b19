"""Lifecycle of a process: what its log and the service manager are told when it starts, stops and has stopped."""

import os

import structlog

from automation.service import side_log
from automation.service.release import release
from automation.service.secrecy import chosen
from automation.service.service_manager import ServiceManager
from automation.service.settings import Settings

_log = structlog.get_logger()


class Lifecycle:
    """Tells of one process: its pid in each line, and as what it runs in the first one.

    Args:
        name: What the process is, such as ``worker``.
        settings: With which it runs; what differs from the defaults is told, nothing that is secret.
        facts: What else the first line has.
    """

    def __init__(self, name: str, settings: Settings, **facts: object) -> None:
        self._name = name
        self._settings = settings
        self._facts = facts
        self._manager = ServiceManager.of_this_process()
        self.alive = self._manager.alive

    def started(self) -> None:
        """Tell that it has started."""
        self._manager.ready()
        self._say("started", **release(), **self._facts, settings=chosen(self._settings))

    def stopping(self) -> None:
        """Tell that it begins to stop."""
        self._manager.stopping()
        self._say("stopping")

    def stopped(self) -> None:
        """Tell that it has stopped in order."""
        self._say("stopped")

    def _say(self, event: str, **values: object) -> None:
        side_log.say(_log, "info", f"{self._name} {event}", pid=os.getpid(), **values)
