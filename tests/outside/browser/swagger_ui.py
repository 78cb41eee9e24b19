"""Swagger UI as a person uses it: by what can be seen, clicked and typed."""

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect


@dataclass(frozen=True)
class SwaggerUi:
    """The page, loaded."""

    page: Page

    @classmethod
    def open(cls, page: Page, base_url: str) -> "SwaggerUi":
        """Open the page and wait for the contract."""
        page.goto(f"{base_url}/docs")
        expect(page.locator(".opblock").first).to_be_visible()
        return cls(page)

    def authorize(self, key: str) -> None:
        """Give an API key to every request from now on."""
        self.page.locator(".scheme-container").get_by_role("button", name="Authorize").click()
        dialog = self.page.locator(".modal-ux")
        dialog.locator("input").fill(key)
        dialog.get_by_role("button", name="Apply credentials").click()
        dialog.get_by_role("button", name="Close").click()

    def operation(self, operation_id: str) -> "Operation":
        """Return an operation, unfolded."""
        block = self.page.locator(f"[id^=operations-][id$=-{operation_id}]")
        block.locator(".opblock-summary-control").click()
        expect(block.locator(".opblock-body")).to_be_visible()
        return Operation(block)


@dataclass(frozen=True)
class Operation:
    """One operation, unfolded."""

    block: Locator

    def fold(self) -> None:
        """Fold it up again."""
        self.block.locator(".opblock-summary-control").click()
        expect(self.block.locator(".opblock-body")).to_be_hidden()

    def try_it_out(self, **parameters: str) -> None:
        """Make the form writable, and fill parameters in by their names, with ``_`` for ``-``."""
        self.block.get_by_role("button", name="Try it out").click()
        for name, value in parameters.items():
            self.block.locator(f"tr[data-param-name={name.replace('_', '-')}] input").fill(value)

    def filled_in(self) -> dict[str, str]:
        """Return what stands in the form before anything was typed, by the parameters' names."""
        rows = self.block.locator("tr[data-param-name]").all()
        values = {str(row.get_attribute("data-param-name")): row.locator("input").first.input_value() for row in rows}
        return {name: value for name, value in values.items() if value}

    def body(self) -> Any:
        """Return the body that stands in the form."""
        return json.loads(self.block.locator("textarea.body-param__text").input_value())

    def execute(self) -> "Answer":
        """Send the request, and return what is shown of the answer."""
        self.block.get_by_role("button", name="Execute", exact=True).click()
        live = self.block.locator(".live-responses-table .response")
        expect(live).to_be_visible()
        return Answer(self.block.locator(".request-url pre").inner_text(), live)

    def conceal(self, key: str) -> None:
        """Shorten an API key wherever it is shown, for a picture."""
        shown = self.block.locator(".curl-command span", has_text=key).last
        shown.evaluate(
            "(span, key) => { span.textContent = span.textContent.replace(key, `${key.slice(0, 11)}...`); }", key
        )

    def parameter(self, name: str) -> str:
        """Return all that is shown of a parameter."""
        return self.block.locator(f"tr[data-param-name={name}]").inner_text()

    def request_example(self) -> Any:
        """Return the example of the request's body that is shown."""
        return json.loads(self.block.locator(".opblock-section-request-body .highlight-code").inner_text())

    def response(self, status: str) -> "Response":
        """Return what is documented of an answer."""
        return Response(self.block.locator(f".responses-inner > .responses-table .response[data-code='{status}']"))


@dataclass(frozen=True)
class Answer:
    """An answer, and the address that gave it."""

    url: str
    row: Locator

    @property
    def status(self) -> str:
        """Its status code."""
        return self.row.locator(".response-col_status").inner_text().split()[0]

    @property
    def body(self) -> Any:
        """Its body."""
        return json.loads(self.row.locator(".response-col_description .highlight-code code").first.inner_text())

    @property
    def headers(self) -> dict[str, str]:
        """Its headers, by their names in lower case."""
        lines = self.row.locator(".headerline").all_inner_texts()
        return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@dataclass(frozen=True)
class Response:
    """What is documented of one status code."""

    row: Locator

    @property
    def description(self) -> str:
        """What it means, and what to do."""
        return self.row.locator(".response-col_description__inner").inner_text()

    @property
    def example(self) -> str:
        """The example that is shown first."""
        return self.row.locator(".highlight-code").inner_text()

    @property
    def choices(self) -> list[str]:
        """The examples that can be chosen."""
        return self.row.locator(".examples-select option").all_inner_texts()
