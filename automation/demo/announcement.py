"""Announcement of the demo once it serves: has the sample runs run, writes demo.json, and says what to try."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import click

from automation.contract.compiled.contract import Contract
from automation.contract.document.document import default_path, load
from automation.contract.document.published import Published
from automation.demo.demonstration import Demonstration
from automation.demo.interruption import Interruption
from automation.demo.screen import Screen
from automation.service.settings import Settings

_PATIENCE_SECONDS = 5.0


class Announcement:
    """Called when the server listens; all it does then, it does in a thread, for the server has to answer meanwhile.

    Where that fails, the server is stopped, and the end of the block raises why.

    Args:
        settings: Those of the server.
        demonstration: What there is to try.
        screen: Shows that the sample runs are at work.
        interruption: Tells a failure from a stop.
        beside: Begins to stop what runs beside the server.
        log: Where the service's log is.
        as_document: Takes the greeting as one document, in place of the lines for people.
    """

    def __init__(
        self,
        settings: Settings,
        demonstration: Demonstration,
        *,
        screen: Screen,
        interruption: Interruption,
        beside: Callable[[], None],
        log: Path,
        as_document: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._links = Contract(load(default_path())).links
        self._demonstration = demonstration
        self._documentation = settings.documentation and settings.publish_contract
        self._screen = screen
        self._interruption = interruption
        self._beside = beside
        self._log = log
        self._as_document = as_document
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._published: Published | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._thread is not None:
            self._thread.join(_PATIENCE_SECONDS)
        if self._failure is not None:
            raise self._failure

    def publish(self, published: Published) -> None:
        """Take the contract that the server publishes, to show in it what there is to try."""
        self._published = published

    def __call__(self, base_url: str) -> None:
        self._interruption.observe(self._beside)
        self._thread = threading.Thread(target=self._announce, args=(base_url,), name="demo", daemon=True)
        self._thread.start()

    def _announce(self, base_url: str) -> None:
        try:
            self._screen.begin("Running the sample rules")
            executions = self._demonstration.perform(base_url)
            if self._published is not None:
                self._published.show(self._demonstration.examples(executions))
            self._demonstration.write(base_url, executions)
            self._screen.finish()
            self._say(base_url, self._links.href("getAutomationExecution", id=executions["completed"]))
        except Exception as error:  # noqa: BLE001 - whatever it is, the main thread tells it
            if not self._interruption.requested:
                self._failure = error
                os.kill(os.getpid(), signal.SIGTERM)

    def _say(self, base_url: str, path: str) -> None:
        curl = f"curl -sS -w '\\n' -H 'x-api-key: {self._demonstration.keys['reader']}' {base_url}{path}"
        documentation = f"{base_url}/docs" if self._documentation else None
        file, log = str(self._demonstration.path), str(self._log)
        if self._as_document is not None:
            self._as_document(
                {"base_url": base_url, "curl": curl, "documentation": documentation, "demo": file, "log": log}
            )
            return
        click.echo(f"\nThe service runs on {base_url}; Ctrl-C stops it. An execution:\n\n  {curl}\n")
        if documentation:
            click.echo(f"Swagger UI:          {documentation}")
        click.echo(f"Other keys and ids:  {file}")
        click.echo(f"Log of the service:  {log}")
