"""Keys across processes: limits are exact, and a revoked key stops working everywhere within a second."""

import json
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.plain_http import PLAIN
from tests.system.conftest import Service
from tests.system.processes import COMMAND, environment, serving

CLIENTS = 50
LIMIT = 120
A_MINUTE = 400


def automation(settings: Mapping[str, str], *arguments: str) -> dict[str, str]:
    """Run a command of the service and return what it printed."""
    done = subprocess.run(
        [COMMAND, *arguments, "--json"], env=environment(settings), capture_output=True, check=True, timeout=60
    )
    printed: dict[str, str] = json.loads(done.stdout)
    return printed


def new_key(service: Service, *options: str) -> str:
    """Create a key for a new reader of acme."""
    tenant = service.demo["tenants"]["acme"]
    email = f"reader-{time.monotonic_ns()}@acme.example"
    user = automation(service.settings, "users", "create", "--tenant", tenant, "--email", email, "--role", "reader")
    key = automation(service.settings, "keys", "create", "--tenant", tenant, "--user", user["email"], *options)
    return key["key"]


def test_never_more_requests_than_the_limit_are_let_in(service: Service) -> None:
    key = new_key(service, "--usage-limit", str(LIMIT))
    path = f"/api/v1/automation/executions/{service.demo['executions']['completed']}"

    with serving(service.settings, workers=2) as first, serving(service.settings) as second:
        addresses = [first.base_url, second.base_url]

        def ask_four_times(number: int) -> list[int]:
            with httpx.Client(base_url=addresses[number % 2], **PLAIN, timeout=30) as client:
                return [client.get(path, headers={"x-api-key": key}).status_code for _ in range(4)]

        with ThreadPoolExecutor(CLIENTS) as clients:
            statuses = [status for some in clients.map(ask_four_times, range(CLIENTS)) for status in some]

    assert statuses.count(200) == LIMIT
    assert statuses.count(401) == 4 * CLIENTS - LIMIT


def test_two_processes_and_fifty_clients_get_what_a_minute_gives_and_no_more(service: Service) -> None:
    key = new_key(service, "--requests-per-minute", str(A_MINUTE))

    with serving(service.settings) as other:

        def ask(number: int) -> list[int]:
            address = (service.base_url, other.base_url)[number % 2]
            with httpx.Client(base_url=address, **PLAIN, timeout=30) as client:
                return [client.get("/api/v1/me", headers={"x-api-key": key}).status_code for _ in range(12)]

        with ThreadPoolExecutor(CLIENTS) as clients:
            statuses = [status for some in clients.map(ask, range(CLIENTS)) for status in some]

    assert set(statuses) == {200, 429}
    assert 0.95 * A_MINUTE <= statuses.count(200) <= A_MINUTE


def test_a_request_is_counted_once_its_key_user_and_tenant_are_accepted_whatever_follows(service: Service) -> None:
    key = new_key(service, "--usage-limit", "3")
    headers = {"x-api-key": key}
    foreign = {**headers, "x-tenant-id": service.demo["tenants"]["globex"]}
    malformed = {**headers, "x-tenant-id": "nonsense"}
    path = "/api/v1/automation/executions/{}"

    not_counted = [
        service.client.get(path.format("7c9e6679-7425-40de-944b-e07fc1f90ae7"), headers=given).status_code
        for given in (foreign, malformed)
    ]
    counted = [
        service.client.get(path.format(identifier), headers=headers).status_code
        for identifier in ("nonsense", "7c9e6679-7425-40de-944b-e07fc1f90ae7", service.demo["executions"]["completed"])
    ]
    after = service.client.get(path.format(service.demo["executions"]["completed"]), headers=headers)

    assert not_counted == [401, 400]
    assert counted == [400, 404, 200]
    assert after.json()["code"] == "api_key_over_limit"


def test_a_revoked_key_stops_working_within_a_second_on_every_process(service: Service) -> None:
    key = new_key(service)
    path = f"/api/v1/automation/executions/{service.demo['executions']['completed']}"
    tenant = service.demo["tenants"]["acme"]

    with serving(service.settings) as other:
        addresses = [service.base_url, other.base_url]
        before = {httpx.get(url + path, headers={"x-api-key": key}, **PLAIN).status_code for url in addresses}
        automation(service.settings, "keys", "revoke", "--tenant", tenant, key[:11])
        time.sleep(1.0)
        after = {httpx.get(url + path, headers={"x-api-key": key}, **PLAIN).status_code for url in addresses}

    assert before == {200}
    assert after == {401}
