"""Faults on the service's own side, behind every operation: what clients are told of them is as documented, too."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from automation.storage.accounts.administration import Administration
from tests.databases import Cluster, DatabaseUrls
from tests.outside.calls import Call, successful
from tests.plain_http import PLAIN
from tests.shipped_contract.shipped import ENTRIES, responses
from tests.system.problems import problem_of
from tests.system.processes import copy_service, own_server, plant, serving
from tests.system.tenancy import Tenant, idle_service, new_tenant

FAULTS = {
    "a handler that raises": ("await self._function(**self._fixed, **taken)", '{}["planted"]'),
    "a body out of contract": ("body = encoding.encode(value)", 'body = b"\\xff"'),
}
DEPENDENT = {entry.name for entry in ENTRIES if 503 in responses(entry)}
"""The operations that need the database."""


@pytest.fixture
def tenant(settings: Mapping[str, str], administration: Administration) -> Iterator[Tenant]:
    """A tenant of a sound service, which shares its database with the one that has a fault."""
    with serving(settings) as process, httpx.Client(base_url=process.base_url, **PLAIN) as client:
        yield new_tenant(client, administration)


@pytest.mark.parametrize(("right", "wrong"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_behind_an_operation_is_a_plain_500(
    settings: Mapping[str, str], tenant: Tenant, tmp_path: Path, right: str, wrong: str
) -> None:
    copy = copy_service(tmp_path / "service")
    plant(copy, "automation/contract/serving/handler_call.py", right, wrong)

    with serving(settings, copy=copy) as process:
        answers = [call.send(process.base_url, tenant.key) for call in successful(tenant).values()]

    for answer in answers:
        problem_of(answer, 500, "internal_error")
        assert "planted" not in answer.text


def test_without_its_database_every_operation_that_needs_it_is_a_503(tmp_path: Path) -> None:
    with own_server(tmp_path) as server:
        urls = server.start()
        cluster = Cluster(DatabaseUrls(urls.owner, urls.api, urls.worker, urls.admin), tmp_path)
        with idle_service(cluster, tmp_path / "data") as idle:
            tenant = new_tenant(*idle)
            calls = successful(tenant)
            server.halt()
            _await_forgotten(tenant)
            answers = answers_of(calls, tenant)
            server.resume()

    for operation, answer in answers.items():
        if operation in DEPENDENT:
            problem_of(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        else:
            assert answer.is_success


def _await_forgotten(tenant: Tenant) -> None:
    """Wait until the tenant's key is no longer known without a database, nearly a second after it was proved last."""
    until = time.monotonic() + 60
    while tenant.client.get("/api/v1/automation/actions", headers={"x-api-key": tenant.key}).is_success:
        assert time.monotonic() < until
        time.sleep(0.05)


def answers_of(calls: Mapping[str, Call], tenant: Tenant) -> Mapping[str, httpx.Response]:
    """Send all calls at once: without a database each may take seconds."""
    url = str(tenant.client.base_url)
    with ThreadPoolExecutor(len(calls)) as clients:
        answers = clients.map(lambda call: call.send(url, tenant.key), calls.values())
        return dict(zip(calls, answers, strict=True))
