"""``make mock`` serves the contract's examples, for work without a database."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.responses import ResponseRules
from automation.contract.document.outline import Entry
from tests.outside.calls import TIMEOUT_SECONDS
from tests.outside.prism import mocked
from tests.plain_http import PLAIN
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, NAMES, examples, responses

CONTRACT = Contract(DOCUMENT)
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of the mock, with a key: any will do."""
    headers = {"x-api-key": "any"}
    with (
        mocked() as url,
        httpx.Client(base_url=url, headers=headers, **PLAIN, timeout=TIMEOUT_SECONDS) as client,
    ):
        yield client


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_an_operation_answers_with_an_example_of_its_success(client: httpx.Client, entry: Entry) -> None:
    answer = client.request(entry.method, path_of(entry), headers=headers_of(entry), json=body_of(entry))

    success = min(responses(entry))
    assert answer.status_code == success
    require_documented(entry, answer)
    if "content" in responses(entry)[success]:
        assert read(answer) in shown(entry, success)


def test_without_a_key_it_refuses_as_the_service_does(client: httpx.Client) -> None:
    entry = next(entry for entry in ENTRIES if entry.name == "getAutomationRule")

    answer = httpx.get(f"{client.base_url}{path_of(entry)}", **PLAIN, timeout=TIMEOUT_SECONDS)

    assert read(answer) in shown(entry, 401)
    require_documented(entry, answer)


def path_of(entry: Entry) -> str:
    """Return an operation's path, with an id, a version and a name."""
    return entry.path.replace("{id}", ID).replace("{version}", "1").replace("{name}", "CRM_TOKEN")


def headers_of(entry: Entry) -> dict[str, str]:
    """Return the headers that say what an operation's body is."""
    media_types = entry.node.get("requestBody", {}).get("content", {})
    return dict(zip(["content-type"], media_types, strict=False))


def body_of(entry: Entry) -> Any:
    """Return the first example of an operation's body; None where it takes none."""
    content = entry.node.get("requestBody", {}).get("content", {})
    return next((value for media_type in content.values() for value in examples(media_type)), None)


def shown(entry: Entry, status: int) -> list[Any]:
    """Return every example of an answer's body."""
    return [value for media_type in responses(entry)[status]["content"].values() for value in examples(media_type)]


def read(answer: httpx.Response) -> Any:
    """Return an answer's body as the contract describes it."""
    return answer.json() if "json" in answer.headers["content-type"] else answer.text


def require_documented(entry: Entry, answer: httpx.Response) -> None:
    """Hold an answer to the contract, as the service holds its own."""
    headers = [(name.lower(), value) for name, value in answer.headers.raw]
    rules = ResponseRules(CONTRACT.operations[entry.name], DOCUMENT, CONTRACT.schemas)
    rules.require(answer.status_code, headers, answer.content)
