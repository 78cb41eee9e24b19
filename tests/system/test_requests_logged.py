"""The log: one structured line a request, with its id, and never a secret."""

from tests.system.conftest import Service
from tests.system.log_lines import lines_of


def test_a_request_is_one_line_with_what_operators_ask_for(service: Service) -> None:
    path = f"/api/v1/automation/executions/{service.demo['executions']['completed']}"

    service.get(path, headers={"x-request-id": "a-logged-request"})

    (line,) = lines_of(service, "a-logged-request")
    assert line["level"] == "info"
    assert line["operation"] == "getAutomationExecution"
    assert line["method"] == "GET"
    assert line["status"] == 200
    assert line["duration_ms"] > 0
    assert line["tenant"] == service.demo["tenants"]["acme"]
    assert service.demo["keys"]["reader"].startswith(line["key"])


def test_an_expected_refusal_is_no_warning(service: Service) -> None:
    service.get("/nothing", headers={"x-request-id": "a-refused-request"})

    (line,) = lines_of(service, "a-refused-request")
    assert line["level"] == "info"
    assert line["status"] == 404


def test_no_key_is_ever_logged(service: Service) -> None:
    for name in service.demo["keys"]:
        service.get("/api/v1/automation/executions/nonsense", key=name)

    written = service.log.read_text()

    assert not [name for name, key in service.demo["keys"].items() if key in written]
