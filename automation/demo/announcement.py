"""What the demo does once it serves: has its sample runs run, writes demo.json, and says what to try."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

import click

from automation.contract.compiled.contract import Contract
from automation.contract.document.document import default_path, load
from automation.demo.demonstration import Demonstration
from automation.demo.runs import SampleRunFailed
from automation.service.settings import Settings


class Announcement:
    """Called when the server listens; all it does then, it does in a thread, for the server has to answer meanwhile.

    Where a sample run fails, the demo stops: ``failed`` tells.

    Args:
        settings: Those of the server.
        demonstration: What there is to try.
        as_document: Takes the greeting as one document, in place of the lines for people.
    """

    def __init__(
        self,
        settings: Settings,
        demonstration: Demonstration,
        as_document: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.failed = False
        self._links = Contract(load(default_path())).links
        self._demonstration = demonstration
        self._documentation = settings.documentation and settings.publish_contract
        self._as_document = as_document

    def __call__(self, base_url: str) -> None:
        threading.Thread(target=self._announce, args=(base_url,), name="demo", daemon=True).start()

    def _announce(self, base_url: str) -> None:
        try:
            executions = self._demonstration.perform(base_url)
        except (SampleRunFailed, OSError) as error:
            self.failed = True
            click.echo(f"automation demo: {error}", err=True)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self._demonstration.write(base_url, executions)
        self._say(base_url, self._links.href("getAutomationExecution", id=executions["completed"]))

    def _say(self, base_url: str, path: str) -> None:
        curl = f"curl -sS -H 'x-api-key: {self._demonstration.keys['reader']}' {base_url}{path}"
        documentation = f"{base_url}/docs" if self._documentation else None
        file = str(self._demonstration.path)
        if self._as_document is not None:
            self._as_document({"base_url": base_url, "curl": curl, "documentation": documentation, "demo": file})
            return
        click.echo(f"\nThe service runs on {base_url}; Ctrl-C stops it. An execution:\n\n  {curl}\n")
        if documentation:
            click.echo(f"Swagger UI:          {documentation}")
        click.echo(f"Other keys and ids:  {file}\n")
