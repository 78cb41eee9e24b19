"""The contract as clients get it, and Swagger UI beside it."""

import json
from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import validate

from tests.plain_http import PLAIN
from tests.system.conftest import Service
from tests.system.processes import serving

JSON = "/api/v1/openapi.json"
YAML = "/api/v1/openapi.yaml"


def test_both_forms_are_the_same_valid_document(service: Service) -> None:
    as_json, as_yaml = service.client.get(JSON), service.client.get(YAML)

    validate(as_json.json())
    assert as_json.json() == yaml.safe_load(as_yaml.text)
    assert as_yaml.headers["content-type"].startswith("application/yaml")


def test_yaml_is_plain_text_for_who_prefers_that(service: Service) -> None:
    as_yaml, as_text = service.client.get(YAML), service.client.get(YAML, headers={"accept": "text/plain"})

    assert as_text.headers["content-type"] == "text/plain; charset=utf-8"
    assert as_text.text == as_yaml.text
    assert as_text.headers["vary"] == as_yaml.headers["vary"] == "Accept"
    assert as_text.headers["etag"] != as_yaml.headers["etag"]


def test_the_demos_examples_lead_to_what_there_is(service: Service) -> None:
    document = service.client.get(JSON).json()

    paths = [
        path.partition("{id}")[0] + parameter["example"]
        for path, item in document["paths"].items()
        for operation in item.values()
        if isinstance(operation, dict)
        for parameter in operation.get("parameters", [])
        if parameter.get("name") == "id" and "example" in parameter
    ]

    assert len(paths) == 12
    assert [path for path in paths if service.get(path).status_code != 200] == []


def test_no_wiring_is_published_but_permissions_are(service: Service) -> None:
    response = service.client.get(JSON)

    operation = response.json()["paths"]["/api/v1/automation/executions/{id}"]["get"]
    assert "x-apikeyInfoFunc" not in response.text
    assert "security.authenticator" not in response.text
    assert operation["x-required-permission"] == "automation:read"


@pytest.mark.parametrize("path", [JSON, YAML])
def test_a_client_that_has_the_current_contract_is_told_so(service: Service, path: str) -> None:
    first = service.client.get(path)

    second = service.client.get(path, headers={"if-none-match": first.headers["etag"]})

    assert second.status_code == 304
    assert second.content == b""
    assert second.headers["etag"] == first.headers["etag"]


def test_swagger_ui_comes_from_this_server_alone(service: Service) -> None:
    page = service.client.get("/docs")

    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    assert "unsafe-" not in page.headers["content-security-policy"]
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert service.client.get(f"/docs/{asset}").status_code == 200
    assert service.client.get("/docs/..%2fstart.js").status_code == 404


def test_contract_and_pages_can_be_switched_off(settings: dict[str, str]) -> None:
    off = {"AUTOMATION_PUBLISH_CONTRACT": "false"}

    with serving({**settings, **off}) as process:
        statuses = [httpx_get(process.base_url + path) for path in (JSON, YAML, "/docs", "/healthz")]

    assert statuses == [404, 404, 404, 200]


def httpx_get(url: str) -> int:
    """Return the status that a URL answers with."""
    import httpx

    return httpx.get(url, **PLAIN).status_code


def test_the_demo_report_is_for_its_owner_alone(service: Service) -> None:
    report = Path(service.settings["AUTOMATION_DATA_DIR"], "demo.json")

    assert report.stat().st_mode & 0o777 == 0o600
    assert json.loads(report.read_text())["base_url"] == service.base_url
