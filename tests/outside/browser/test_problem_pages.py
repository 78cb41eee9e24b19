"""Types of problems lead to a page for each, which a person can read in a real browser."""

from urllib.parse import urljoin

import httpx
import pytest
from playwright.sync_api import expect

from automation.domain.errors import AutomationError, all_errors
from tests.outside.browser.conftest import OpenPage, Scheme
from tests.plain_http import PLAIN
from tests.system.processes import Process


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_type_leads_to_a_page_that_can_be_read(demo: Process, open_page: OpenPage, scheme: Scheme) -> None:
    watch = open_page(scheme)

    for error in all_errors():
        watch.page.goto(f"{demo.base_url}/problems/{error.code}")

        expect(watch.page.get_by_role("heading", level=1)).to_have_text(error.title)
        shown = watch.page.locator("main").inner_text()
        assert all(part in shown for part in expected(error))
        assert watch.faint_texts() == []
    assert (watch.faults, watch.strangers(demo.base_url)) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_leads_to_every_page_and_back(demo_at_the_root: Process, open_page: OpenPage, scheme: Scheme) -> None:
    watch = open_page(scheme)
    watch.page.goto(f"{demo_at_the_root.base_url}/problems")

    for error in all_errors():
        watch.page.get_by_role("link", name=error.code, exact=True).click()
        expect(watch.page.get_by_role("heading", level=1)).to_have_text(error.title)
        watch.page.get_by_role("link", name="All problem types").click()

    expect(watch.page.get_by_role("heading", level=1)).to_have_text("Problem types")
    assert watch.faint_texts() == []
    assert (watch.faults, watch.strangers(demo_at_the_root.base_url)) == ([], [])


def test_the_type_of_a_real_problem_is_one_click_from_swagger_ui(demo: Process, open_page: OpenPage) -> None:
    problem = httpx.get(f"{demo.base_url}/api/v1/automation/executions/nonsense", **PLAIN)
    watch = open_page("light")

    watch.page.goto(urljoin(str(problem.url), problem.json()["type"]))
    watch.page.get_by_role("link", name="Swagger UI").click()

    expect(watch.page.locator(".opblock").first).to_be_visible()
    assert watch.page.url == f"{demo.base_url}/docs"


def expected(error: type[AutomationError]) -> list[str]:
    """Return what a page must say, as it is shown."""
    texts = [str(error.status), error.code, error.default, error.advice, f'"code": "{error.code}"']
    return [text.replace("`", "") for text in texts]
