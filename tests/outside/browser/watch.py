"""A page that is watched: what it asks for, what its console says, what its policy forbade, what is hard to read."""

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

_CONTRAST = Path(__file__).with_name("contrast.js").read_text()
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`forbidden: ${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Watch:
    """A page, the addresses it asked for, and the faults that it had until now."""

    page: Page
    addresses: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def strangers(self, base_url: str) -> list[str]:
        """Return the addresses that are not below ``base_url``."""
        return [each for each in self.addresses if not each.startswith((f"{base_url}/", "data:"))]

    def faint_texts(self) -> list[str]:
        """Return the texts that have too little contrast, each with its colours."""
        found: list[str] = self.page.evaluate(_CONTRAST)
        return found

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        self.addresses.append(request.url)


def watched(context: BrowserContext) -> Watch:
    """Return a new page of a browser context, watched from its first request on."""
    page = context.new_page()
    watch = Watch(page)
    page.add_init_script(_REPORT_VIOLATIONS)
    page.on("console", watch._note_console)
    page.on("request", watch._note_request)
    page.on("pageerror", lambda error: watch.faults.append(f"uncaught: {error}"))
    page.on("requestfailed", lambda request: watch.faults.append(f"failed: {request.url} {request.failure}"))
    return watch
