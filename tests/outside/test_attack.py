"""Schemathesis attacks a real process with ten thousand cases: every phase, every check, fresh data, fixed seeds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from automation.storage.accounts.administration import Administration
from tests.databases import Cluster
from tests.system.attack import (
    Outcome,
    attack,
    of_an_operator,
)
from tests.system.tenancy import Tenant, idle_service, new_tenant

Target = tuple[httpx.Client, Administration]

pytestmark = pytest.mark.timeout(1800)

CASES = 10_000
EXAMPLES = 60
"""How many cases are generated of one operation at the most. Their seeds are fixed, so that more of them would be the
same ones each time: fresh seeds are a stranger's (``test_strangers.py``). The phase of coverage has five thousand cases
of each attacker, whatever this number is."""


@pytest.fixture
def target(cluster: Cluster, tmp_path: Path) -> Iterator[Target]:
    """A service with a fresh database, for one attack."""
    with idle_service(cluster, tmp_path / "data") as running:
        yield running


def campaign(tenant: Tenant, stranger: Tenant, directory: Path, seed: int) -> list[Outcome]:
    """Attack a tenant's service as its operator: once in every phase, then twice more in that of stories.

    Stories of several operations end early, when the data has changed under them.
    """
    url = str(tenant.client.base_url)
    configuration = of_an_operator(tenant, stranger, directory, supply=150)
    everything = attack(configuration, url, examples=EXAMPLES, seed=seed)
    stories = [attack(configuration, url, "--phases=stateful", examples=100, seed=seed + more) for more in (1, 2)]
    return [everything, *stories]


def test_ten_thousand_cases_of_two_tenants_at_once_find_nothing(target: Target, tmp_path: Path) -> None:
    acme, globex = new_tenant(*target), new_tenant(*target)

    with ThreadPoolExecutor(2) as attackers:
        first = attackers.submit(campaign, acme, globex, tmp_path / "acme", 100)
        second = attackers.submit(campaign, globex, acme, tmp_path / "globex", 200)
        outcomes = [*first.result(), *second.result()]

    assert [outcome.output for outcome in outcomes if outcome.exit_code != 0] == []
    assert sum(outcome.cases for outcome in outcomes) >= CASES
