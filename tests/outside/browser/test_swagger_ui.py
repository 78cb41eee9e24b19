"""Swagger UI in a real browser: a person looks an execution up and runs a rule, and every example can be read."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import yaml
from playwright.sync_api import expect

from automation.contract.document.outline import Entry
from automation.contract.document.references import follow
from tests.outside.browser.conftest import OpenPage, Scheme
from tests.outside.browser.swagger_ui import SwaggerUi
from tests.plain_http import PLAIN
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, examples, responses
from tests.system.processes import Process

SCHEMES: tuple[Scheme, ...] = ("light", "dark")

in_each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


@in_each_scheme
def test_an_execution_of_the_demo_is_looked_up(
    demo: Process, open_page: OpenPage, screenshots: Path, scheme: Scheme, request: pytest.FixtureRequest
) -> None:
    execution = demo.demo["executions"]["completed"]
    watch = open_page(scheme)
    swagger_ui = SwaggerUi.open(watch.page, demo.base_url)

    swagger_ui.authorize(demo.demo["keys"]["reader"])
    operation = swagger_ui.operation("getAutomationExecution")
    operation.try_it_out(id=execution)
    answer = operation.execute()

    operation.conceal(demo.demo["keys"]["reader"])
    operation.block.evaluate("block => block.scrollIntoView()")
    watch.page.screenshot(path=screenshots / f"swagger-ui-{request.node.callspec.id}.png")
    assert answer.status == "200"
    assert answer.url == execution_url(demo, execution)
    assert answer.body == seen_by("reader", demo, answer.url)
    assert answer.body["data"]["status"] == "completed"
    assert watch.faint_texts() == []
    assert (watch.faults, watch.strangers(demo.base_url)) == ([], [])


@in_each_scheme
def test_a_rule_of_the_demo_is_executed_as_the_form_stands(demo: Process, open_page: OpenPage, scheme: Scheme) -> None:
    watch = open_page(scheme)
    swagger_ui = SwaggerUi.open(watch.page, demo.base_url)

    swagger_ui.authorize(demo.demo["keys"]["operator"])
    operation = swagger_ui.operation("executeAutomationRule")
    operation.try_it_out()
    body = operation.body()
    answer = operation.execute()

    created = urljoin(answer.url, answer.headers["location"])
    assert answer.status == "202"
    assert created == execution_url(demo, answer.body["data"]["execution_id"])
    assert seen_by("operator", demo, created)["data"]["trigger_data"] == body["trigger_data"]
    assert watch.faint_texts() == []
    assert (watch.faults, watch.strangers(demo.base_url)) == ([], [])


def test_a_key_that_is_refused_is_told_so(demo_at_the_root: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    swagger_ui = SwaggerUi.open(watch.page, demo_at_the_root.base_url)

    swagger_ui.authorize(demo_at_the_root.demo["keys"]["expired"])
    operation = swagger_ui.operation("getAutomationExecution")
    operation.try_it_out()
    answer = operation.execute()

    assert (answer.status, answer.body["code"]) == ("401", "api_key_expired")
    assert [fault for fault in watch.faults if "401" not in fault] == []


def test_the_colours_follow_the_reader_at_once(demo_at_the_root: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    SwaggerUi.open(watch.page, demo_at_the_root.base_url)
    root = watch.page.locator("html")

    for scheme in ("dark", "light"):
        watch.page.emulate_media(color_scheme=scheme)

        expect(root).to_have_class(re.compile("dark-mode") if scheme == "dark" else re.compile("^$"))
        assert watch.faint_texts() == []


@in_each_scheme
def test_every_operation_shows_its_examples(demo_at_the_root: Process, open_page: OpenPage, scheme: Scheme) -> None:
    watch = open_page(scheme)
    swagger_ui = SwaggerUi.open(watch.page, demo_at_the_root.base_url)

    for entry in ENTRIES:
        operation = swagger_ui.operation(entry.name)

        for parameter in entry.parameters:
            assert operation.parameter(parameter["name"]).startswith(parameter["name"])
        if "requestBody" in entry.node:
            assert operation.request_example() == next(examples(request_of(entry)))
        for status, documented in responses(entry).items():
            response = operation.response(str(status))
            assert words(documented["description"]) == words(response.description)
            for media_type in documented.get("content", {}).values():
                assert read(response.example) == read(next(examples(media_type)))
                assert response.choices == summaries(media_type)
        assert watch.faint_texts() == []
        operation.fold()  # whatever is unfolded is drawn again with each operation that comes after it

    assert (watch.faults, watch.strangers(demo_at_the_root.base_url)) == ([], [])


def test_the_form_is_filled_with_ids_that_there_are_and_with_nothing_else(demo: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    swagger_ui = SwaggerUi.open(watch.page, demo.base_url)

    swagger_ui.authorize(demo.demo["keys"]["operator"])
    operation = swagger_ui.operation("getAutomationRule")
    operation.try_it_out()

    assert operation.filled_in() == {"id": demo.demo["rules"]["acme"]}
    assert operation.execute().status == "200"


def test_a_key_outlives_a_reload_where_the_reader_asks_for_it_alone(demo: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    key = demo.demo["keys"]["reader"]
    answers = []

    for kept in (False, True):
        swagger_ui = SwaggerUi.open(watch.page, demo.base_url)
        watch.page.get_by_label("Keep my API key").set_checked(kept)
        swagger_ui.authorize(key)
        watch.page.reload()
        operation = SwaggerUi.open(watch.page, demo.base_url).operation("getAutomationRule")
        operation.try_it_out()
        answers.append(operation.execute().status)
    watch.page.get_by_label("Keep my API key").uncheck()

    assert answers == ["401", "200"]
    assert watch.page.evaluate("Object.values(sessionStorage)") == []


def test_it_leads_to_the_guides_and_the_problem_types(demo: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    SwaggerUi.open(watch.page, demo.base_url)

    watch.page.get_by_role("link", name="Guides").click()
    watch.page.get_by_role("link", name="Actions", exact=True).click()
    expect(watch.page.get_by_role("heading", level=1)).to_have_text("Actions")
    watch.page.get_by_role("link", name="Problem types").click()

    expect(watch.page.get_by_role("heading", level=1)).to_have_text("Problem types")
    assert (watch.faults, watch.strangers(demo.base_url)) == ([], [])


@pytest.mark.parametrize("path", ["", "guides", "guides/actions", "problems", "problems/invalid_body"])
def test_a_page_fits_a_phone(demo_at_the_root: Process, open_page: OpenPage, path: str) -> None:
    watch = open_page("light")
    watch.page.set_viewport_size({"width": 390, "height": 844})

    watch.page.goto(f"{demo_at_the_root.base_url}/{path}")

    assert watch.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_json_wraps_between_words_on_a_phone(demo_at_the_root: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    watch.page.set_viewport_size({"width": 390, "height": 844})
    operation = SwaggerUi.open(watch.page, demo_at_the_root.base_url).operation("getAutomationRule")

    styles = operation.block.locator(".highlight-code code").first.evaluate(
        "code => [code, ...code.querySelectorAll('span')].map(each => getComputedStyle(each).wordBreak)"
    )

    assert set(styles) == {"normal"}


def test_schemas_are_folded_and_the_contract_stands_last(demo_at_the_root: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    SwaggerUi.open(watch.page, demo_at_the_root.base_url)

    assert watch.page.locator(".opblock-tag").last.get_attribute("data-tag") == "Contract"
    expect(watch.page.locator("section.models")).not_to_have_class(re.compile("is-open"))


def test_what_is_wrong_with_a_page_is_noticed(demo_at_the_root: Process, open_page: OpenPage) -> None:
    watch = open_page("light")
    swagger_ui = SwaggerUi.open(watch.page, demo_at_the_root.base_url)

    watch.page.evaluate("""() => {
      document.querySelector(".title").style.color = "#eeeeee";
      document.body.setAttribute("style", "color: red");
      document.body.append(Object.assign(new Image(), { src: "http://stranger.example/picture.png" }));
    }""")

    expect(swagger_ui.page.locator("img[src*=stranger]")).to_be_attached()
    watch.page.wait_for_timeout(200)
    assert [text.partition(":")[0] for text in watch.faint_texts()] == ["H1 Automation Executions"]
    assert [fault for fault in watch.faults if "forbidden: style-src" in fault]
    assert [fault for fault in watch.faults if "forbidden: img-src" in fault]


def execution_url(demo: Process, execution: str) -> str:
    """Return the address of an execution."""
    return f"{demo.base_url}/api/v1/automation/executions/{execution}"


def seen_by(reader: str, demo: Process, url: str) -> Any:
    """Return what one of the demo's users sees at an address without a browser."""
    return httpx.get(url, headers={"x-api-key": demo.demo["keys"][reader]}, **PLAIN, timeout=30).json()


def request_of(entry: Entry) -> Any:
    """Return the media type of an operation's request that is shown first."""
    return next(iter(follow(DOCUMENT, entry.node["requestBody"])["content"].values()))


def summaries(media_type: Any) -> list[str]:
    """Return what the named examples are called."""
    return [follow(DOCUMENT, example)["summary"] for example in media_type["examples"].values()]


def read(example: Any) -> Any:
    """Return the value of an example, whether it is shown or written as JSON, as YAML or as a value."""
    return yaml.safe_load(example) if isinstance(example, str) else example


def words(text: str) -> list[str]:
    """Return the words of a Markdown text, or of what it is shown as."""
    return re.findall(r"\w+", text)
