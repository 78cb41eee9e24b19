"""Each row of the operation's behaviour, asked of a real server over real HTTP."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.system.conftest import Service
from tests.system.problems import problem_of

EXECUTION = "/api/v1/automation/executions/{}"
RULE = "/api/v1/automation/rules/{}"

OTHER_PATHS = [
    "/nothing",
    "/api/v1/automation",
    "/api/v1/automation/executions/",
    "/healthz/",
    "/docs/nothing",
]
MALFORMED_IDS = [
    "abc",
    "%00",
    "7c9e6679742540de944be07fc1f90ae7",
    "urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "{7c9e6679-7425-40de-944b-e07fc1f90ae7}",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7%0A",
    "7c9e6679-7425-40de-944b-e07fc1f90ae%D9%A7",
    "%FF%FE",
    "x" * 8000,
]
KEY_REFUSALS = [
    ("expired", "api_key_expired"),
    ("revoked", "api_key_invalid"),
    ("over_limit", "api_key_over_limit"),
    ("orphaned", "api_key_user_not_found"),
]


def test_an_execution_of_ones_own_is_returned_as_it_is_stored(service: Service) -> None:
    execution = service.demo["executions"]["completed"]

    response = service.get(EXECUTION.format(execution))

    data = response.json()["data"]
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["vary"] == "x-api-key, x-tenant-id"
    assert data["execution_id"] == execution
    assert data["tenant"] == service.demo["tenants"]["acme"]
    assert data["automation_rule_id"] == service.demo["rules"]["acme"]
    assert data["status"] == "completed"
    assert data["error_message"] is None
    assert data["started_at"].endswith("Z")


def test_fields_that_are_not_set_are_null_where_nullable_and_absent_otherwise(service: Service) -> None:
    execution = service.demo["executions"]["pending"]

    data = service.get(EXECUTION.format(execution)).json()["data"]

    nullable = ("completed_at", "duration_ms", "error_message", "error_stack", "failed_action_index")
    assert {name: data[name] for name in nullable} == dict.fromkeys(nullable)
    assert not {"started_at", "execution_context", "logs"} & data.keys()


@pytest.mark.parametrize("status", ["pending", "running", "completed", "failed", "cancelled", "timeout", "skipped"])
def test_every_status_is_shown_and_every_link_leads_somewhere(service: Service, status: str) -> None:
    data = service.get(EXECUTION.format(service.demo["executions"][status])).json()["data"]

    answers = {
        (link.get("method", "GET"), service.request(link.get("method", "GET"), link["href"]).status_code)
        for link in data["_links"].values()
    }

    assert data["status"] == status
    assert {"self", "rule", "attempts"} <= data["_links"].keys()
    assert answers <= {("GET", 200), ("POST", 403)}  # a reader may not change anything


def test_an_id_in_upper_case_is_the_same_id(service: Service) -> None:
    path = EXECUTION.format(service.demo["executions"]["failed"])

    response = service.get(EXECUTION.format(service.demo["executions"]["failed"].upper()))

    assert response.json() == service.get(path).json()


@pytest.mark.parametrize("identifier", MALFORMED_IDS)
def test_an_id_that_is_no_canonical_uuid_is_refused(service: Service, identifier: str) -> None:
    response = service.get(EXECUTION.format(identifier))

    document = problem_of(response, 400, "invalid_parameter")
    assert [error["parameter"] for error in document["errors"]] == ["id"]
    assert identifier[:20] not in response.text


def test_an_unknown_query_parameter_is_refused(service: Service) -> None:
    response = service.get(EXECUTION.format(service.demo["executions"]["failed"]) + "?fields=status")

    document = problem_of(response, 400, "invalid_parameter")
    assert document["errors"][0]["parameter"] == "fields"


def test_a_request_without_a_key_is_refused(service: Service) -> None:
    response = service.client.get(EXECUTION.format(service.demo["executions"]["failed"]))

    problem_of(response, 401, "api_key_missing")
    assert response.headers["www-authenticate"].startswith("ApiKey ")


def test_a_request_with_two_keys_is_refused(service: Service) -> None:
    key = service.demo["keys"]["reader"]

    response = service.client.get(EXECUTION.format(uuid4()), headers=[("x-api-key", key), ("x-api-key", key)])

    document = problem_of(response, 400, "invalid_parameter")
    assert document["errors"][0]["parameter"] == "x-api-key"


@pytest.mark.parametrize("key", ["nonsense", "ak_" + "0" * 49, "ak_", "x" * 8000, "ключ".encode()])
def test_a_key_that_is_unknown_or_malformed_is_refused(service: Service, key: str | bytes) -> None:
    response = service.ask("GET", EXECUTION.format(uuid4()), {"x-api-key": key})

    problem_of(response, 401, "api_key_invalid")


@pytest.mark.parametrize(("name", "code"), KEY_REFUSALS)
def test_a_key_that_no_longer_holds_is_refused(service: Service, name: str, code: str) -> None:
    response = service.get(EXECUTION.format(service.demo["executions"]["failed"]), key=name)

    problem_of(response, 401, code)
    assert "www-authenticate" in response.headers


@pytest.mark.parametrize("tenant", ["", "acme", "1b4e28ba2fa141d2883f0016d3cca427", "\u00e9".encode()])
def test_a_malformed_tenant_is_refused(service: Service, tenant: str | bytes) -> None:
    response = service.get(EXECUTION.format(uuid4()), headers={"x-tenant-id": tenant})

    document = problem_of(response, 400, "invalid_parameter")
    assert document["errors"][0]["parameter"] == "x-tenant-id"


def test_the_keys_own_tenant_may_be_named_in_either_case(service: Service) -> None:
    path = EXECUTION.format(service.demo["executions"]["failed"])

    response = service.get(path, headers={"x-tenant-id": service.demo["tenants"]["acme"].upper()})

    assert response.status_code == 200


def test_a_tenant_that_is_not_the_keys_is_refused(service: Service) -> None:
    path = EXECUTION.format(service.demo["executions"]["globex"])

    response = service.get(path, headers={"x-tenant-id": service.demo["tenants"]["globex"]})

    problem_of(response, 401, "api_key_tenant_mismatch")


def test_a_user_without_the_permission_is_refused_and_told_which(service: Service) -> None:
    response = service.get(EXECUTION.format("not-even-a-uuid"), key="no_permission")

    document = problem_of(response, 403, "permission_denied")
    assert "automation:read" in document["detail"]


def test_absent_and_foreign_executions_are_answered_alike(service: Service) -> None:
    headers = {"x-request-id": "the-same"}

    absent = service.get(EXECUTION.format(uuid4()), headers=headers)
    foreign = service.get(EXECUTION.format(service.demo["executions"]["globex"]), headers=headers)

    problem_of(absent, 404, "execution_not_found")
    assert absent.content == foreign.content
    assert without_date(absent.headers) == without_date(foreign.headers)


def test_absent_and_foreign_rules_are_answered_alike(service: Service) -> None:
    headers = {"x-request-id": "the-same"}

    absent = service.get(RULE.format(uuid4()), headers=headers)
    foreign = service.get(RULE.format(service.demo["rules"]["globex"]), headers=headers)

    problem_of(absent, 404, "rule_not_found")
    assert absent.content == foreign.content


def without_date(headers: httpx.Headers) -> dict[str, str]:
    """Return the headers without those that tell the time, and what is left in it."""
    return {name: value for name, value in headers.items() if name not in {"date", "ratelimit"}}


@pytest.mark.parametrize("path", OTHER_PATHS)
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    problem_of(service.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_told_the_right_ones(service: Service, method: str) -> None:
    response = service.request(method, EXECUTION.format(uuid4()))

    problem_of(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/openapi.yaml", "/docs", "/problems"]
)
def test_head_is_get_without_the_body(service: Service, path: str) -> None:
    get, head = service.client.get(path), service.client.head(path)

    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_head_of_an_execution_is_get_without_the_body(service: Service) -> None:
    path = EXECUTION.format(service.demo["executions"]["completed"])

    head = service.request("HEAD", path)

    assert head.status_code == 200
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(service.get(path).content)


@pytest.mark.parametrize("given", ["abc", "a b~!", "x" * 128])
def test_a_sane_request_id_is_kept(service: Service, given: str) -> None:
    response = service.ask("GET", "/healthz", {"x-request-id": given})

    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "\u00fc".encode()])
def test_a_request_id_that_is_not_sane_is_replaced(service: Service, given: str | bytes) -> None:
    response = service.ask("GET", "/healthz", {"x-request-id": given})

    assert UUID(response.headers["x-request-id"])


def test_liveness_and_readiness_need_no_key(service: Service) -> None:
    liveness, readiness = service.client.get("/healthz"), service.client.get("/readyz")

    assert liveness.json() == {"status": "alive"}
    assert readiness.json() == {"status": "ready", "database": "reachable", "migrations": "current"}


def test_every_problem_type_leads_to_its_page(service: Service) -> None:
    problem = problem_of(service.get("/nothing"), 404, "not_found")

    page = service.client.get(problem["type"])

    assert page.status_code == 200
    assert "What to do" in page.text


def test_bytes_that_are_not_http_are_answered_with_a_problem(service: Service) -> None:
    import socket

    url = httpx.URL(service.base_url)
    with socket.create_connection((url.host, url.port or 0), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01 / nothing\r\n\r\n")
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b'"code":"malformed_request"' in answer
