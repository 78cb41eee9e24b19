"""A service under a path prefix: everything in an answer that is a path leads somewhere."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import yaml

from tests.databases import Cluster
from tests.plain_http import PLAIN
from tests.system.processes import Process, demonstrating, port_of, running, wait_until_alive

PREFIX = "/under/automation"


@pytest.fixture(scope="module")
def demo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A demo under a prefix."""
    with cluster.database() as urls:
        settings = {
            "AUTOMATION_DATABASE_URL": urls.api,
            "AUTOMATION_WORKER_URL": urls.worker,
            "AUTOMATION_MIGRATION_URL": urls.owner,
            "AUTOMATION_DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "AUTOMATION_PATH_PREFIX": PREFIX,
        }
        with demonstrating(settings) as process:
            yield process


@pytest.fixture(scope="module")
def client(demo: Process) -> Iterator[httpx.Client]:
    """A client with the operator's key, at the origin."""
    parts = urlsplit(demo.base_url)
    with httpx.Client(
        base_url=f"{parts.scheme}://{parts.netloc}",
        headers={"x-api-key": demo.demo["keys"]["operator"]},
        **PLAIN,
    ) as opened:
        yield opened


def links(body: Any) -> Iterator[dict[str, str]]:
    """Yield every link object in a body."""
    if isinstance(body, dict):
        yield from body.get("_links", {}).values()
        for member in body.values():
            yield from links(member)


def test_what_the_demo_announces_answers(demo: Process) -> None:
    base, *announced = re.findall(r"http://[^\s;]+", demo.output.read_text())
    key = {"x-api-key": demo.demo["keys"]["reader"]}

    statuses = [httpx.get(url, headers=key, **PLAIN).status_code for url in announced]

    assert base == demo.demo["base_url"]
    assert base.endswith(PREFIX)
    assert all(url.startswith(f"{base}/") for url in announced)
    assert statuses == [200, 200]  # an execution, and Swagger UI


@pytest.mark.parametrize("execution", ["completed", "failed", "pending"])
def test_every_link_leads_to_what_it_says(demo: Process, client: httpx.Client, execution: str) -> None:
    waiting = [f"{PREFIX}/api/v1/automation/executions/{demo.demo['executions'][execution]}"]
    followed: set[str] = set()
    while waiting:
        path = waiting.pop()
        response = client.get(path)
        assert response.status_code == 200, path
        followed.add(path)
        for link in links(response.json()):
            assert link["href"].startswith(f"{PREFIX}/api/v1/")
            if link.get("method", "GET") == "GET":
                waiting += {link["href"]} - followed - set(waiting)
            else:
                refused = client.get(link["href"])
                assert (refused.status_code, refused.headers["allow"]) == (405, link["method"])

    assert (
        len(followed) == 6
    )  # the execution, its rule; its attempts and the rule's versions, and the first page of each


def test_a_location_leads_to_what_was_made(demo: Process, client: httpx.Client) -> None:
    rule = demo.demo["rules"]["acme"]

    made = client.post(f"{PREFIX}/api/v1/automation/rules/{rule}/execute", json={})

    found = client.get(made.headers["location"])
    assert made.status_code == 202
    assert found.status_code == 200
    assert found.json()["data"]["execution_id"] == made.json()["data"]["execution_id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{PREFIX}/api/v1/automation/executions/nonsense", 400),
        ("GET", f"{PREFIX}/api/v1/automation/rules/3f2504e0-4f89-41d3-9a0c-0305e82c3301", 404),
        ("GET", f"{PREFIX}/nowhere", 404),
        ("GET", f"{PREFIX}/docs/nowhere", 404),
        ("GET", f"{PREFIX}/problems/nonsense", 404),
        ("DELETE", f"{PREFIX}/healthz", 405),
        ("POST", f"{PREFIX}/docs", 405),
    ],
)
def test_the_type_of_every_problem_leads_to_its_page(client: httpx.Client, method: str, path: str, status: int) -> None:
    problem = client.request(method, path)

    page = client.get(problem.json()["type"])
    assert problem.status_code == status
    assert problem.json()["type"] == f"{PREFIX}/problems/{problem.json()['code']}"
    assert page.status_code == 200
    assert f"<h1>{problem.json()['title']}</h1>" in page.text


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/healthz", "/docs", "/problems", "/problems/not_found", "/api/v1/openapi.json", "/under/healthz"),
        *(f"{PREFIX}s/healthz", f"{PREFIX}//healthz", f"{PREFIX}%2fhealthz"),
        *("/UNDER/automation/healthz", f"{PREFIX}{PREFIX}/healthz"),
    ],
)
def test_nothing_is_outside_the_prefix(client: httpx.Client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert client.get(response.json()["type"]).status_code == 200


def test_the_published_contract_leads_to_the_service(client: httpx.Client) -> None:
    as_json = client.get(f"{PREFIX}/api/v1/openapi.json").json()
    as_yaml = yaml.safe_load(client.get(f"{PREFIX}/api/v1/openapi.yaml").text)

    assert as_json == as_yaml
    (server,) = as_json["servers"]
    for path in as_json["paths"]:
        refused = client.request("TRACE", server["url"] + path.replace("{id}", "some"))
        assert (refused.status_code, bool(refused.headers["allow"])) == (405, True), path


def test_head_answers_wherever_get_does(client: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/docs/start.js", "/problems", "/api/v1/openapi.json"):
        head = client.head(PREFIX + path)

        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-length"] == client.get(PREFIX + path).headers["content-length"]


def test_swagger_ui_has_all_it_needs(client: httpx.Client) -> None:
    page = client.get(f"{PREFIX}/docs")
    addresses = [urljoin(str(page.url), each) for each in re.findall(r'(?:href|src)="([^"]*)"', page.text)]
    script = client.get(f"{PREFIX}/docs/start.js").text

    contract = re.search(r'url: "([^"]*)"', script)

    assert contract is not None
    for address in (*addresses, urljoin(str(page.url), contract[1])):
        assert urlsplit(address).path.startswith(f"{PREFIX}/")
        assert client.get(address).status_code == 200


def test_what_is_no_request_gets_a_type_that_leads_somewhere(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.database() as urls:
        settings = {
            "AUTOMATION_DATABASE_URL": urls.api,
            "AUTOMATION_DATA_DIR": str(tmp_path),
            "AUTOMATION_PATH_PREFIX": PREFIX,
        }
        with running(["serve", "--port", "0", "--workers", "2"], settings) as process:
            port = port_of(process)
            process.base_url = f"http://127.0.0.1:{port}{PREFIX}"
            wait_until_alive(process)
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                answer = b"".join(iter(lambda: connection.recv(65536), b""))

            problem = json.loads(answer.partition(b"\r\n\r\n")[2])
            page = httpx.get(urljoin(process.base_url, problem["type"]), **PLAIN)

    assert problem["type"] == f"{PREFIX}/problems/malformed_request"
    assert page.status_code == 200
