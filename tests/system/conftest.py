"""A running service, seen only from outside: through HTTP, its command and its signals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from automation.storage.accounts.administration import Administration
from tests.databases import Cluster
from tests.system.processes import demonstrating
from tests.system.tenancy import Tenant, idle_service, judging_client, new_tenant


@dataclass(frozen=True)
class Service:
    """A service that runs with its demo data, and a client that has all the demo's keys."""

    base_url: str
    demo: Mapping[str, Any]
    settings: Mapping[str, str]
    client: httpx.Client
    log: Path

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET with the reader's key, or the demo's key of the name ``key``."""
        return self.request("GET", path, **options)

    def request(
        self, method: str, path: str, *, key: str = "reader", headers: Mapping[str, str | bytes] | None = None
    ) -> httpx.Response:
        """Ask with one of the demo's keys."""
        return self.ask(method, path, {"x-api-key": self.demo["keys"][key], **(headers or {})})

    def ask(self, method: str, path: str, headers: Mapping[str, str | bytes]) -> httpx.Response:
        """Ask with these headers, and no key but theirs."""
        encoded = [
            (name.encode(), value.encode() if isinstance(value, str) else value) for name, value in headers.items()
        ]
        return self.client.request(method, path, headers=encoded)


@pytest.fixture(scope="session")
def service(session_settings: dict[str, str]) -> Iterator[Service]:
    """The service with its demo data, started once for all tests that only ask."""
    with (
        demonstrating(session_settings) as process,
        judging_client(process.base_url) as client,
    ):
        yield Service(process.base_url, process.demo, session_settings, client, process.errors)


@pytest.fixture(scope="session")
def idle(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Administration]]:
    """A service whose executions nobody runs, and the owner's commands in its database."""
    with idle_service(cluster, tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def tenant(idle: tuple[httpx.Client, Administration]) -> Tenant:
    """A tenant of the test's own."""
    return new_tenant(*idle)


@pytest.fixture
def stranger(idle: tuple[httpx.Client, Administration]) -> Tenant:
    """Another tenant of the same service."""
    return new_tenant(*idle)
