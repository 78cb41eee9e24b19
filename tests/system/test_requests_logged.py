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


def test_a_line_says_what_it_is_about_and_from_where(service: Service) -> None:
    execution = service.demo["executions"]["completed"]

    service.get(f"/api/v1/automation/executions/{execution}/attempts", headers={"x-request-id": "about-an-execution"})
    service.get(f"/api/v1/automation/rules/{execution}", headers={"x-request-id": "about-a-rule"})

    (found,), (missed,) = lines_of(service, "about-an-execution"), lines_of(service, "about-a-rule")
    assert (found["client"], found["execution_id"]) == ("127.0.0.1", execution)
    assert not {"code", "rule_id"} & found.keys()
    assert (missed["code"], missed["rule_id"]) == ("rule_not_found", execution)


def test_what_a_request_made_is_in_its_line(service: Service) -> None:
    path = f"/api/v1/automation/rules/{service.demo['rules']['globex']}/execute"

    made = service.request("POST", path, key="globex_operator", headers={"x-request-id": "an-execution-made"})

    (line,) = (
        line for line in lines_of(service, "an-execution-made") if line["event"] == "request"
    )  # runs have it, too
    assert line["execution_id"] == made.json()["data"]["execution_id"]
    assert line["rule_id"] == service.demo["rules"]["globex"]


def test_a_refused_key_is_in_its_line_with_the_reason(service: Service) -> None:
    expired = service.demo["keys"]["expired"]
    unknown = expired[:-1] + ("0" if expired[-1] != "0" else "1")
    for name, key in {"expired": expired, "unknown": unknown, "junk": "not a key of ours", "none": ""}.items():
        headers = {"x-request-id": f"refused-{name}"} | ({"x-api-key": key} if key else {})
        service.client.get("/api/v1/automation/rules/nonsense", headers=headers)

    lines = {name: lines_of(service, f"refused-{name}")[0] for name in ("expired", "unknown", "junk", "none")}
    assert {name: (line["status"], line["code"], line.get("key")) for name, line in lines.items()} == {
        "expired": (401, "api_key_expired", expired[:11]),
        "unknown": (401, "api_key_invalid", expired[:11]),
        "junk": (401, "api_key_invalid", None),
        "none": (401, "api_key_missing", None),
    }


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
