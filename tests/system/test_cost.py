"""A guard for the hottest request: work that is added to every one of them is found here, before any benchmark runs."""

import json
import subprocess
import sys

from automation.storage.accounts.administration import Administration
from security import key_format
from tests.databases import DatabaseUrls
from tests.storage.samples import sample
from tests.system.processes import REPOSITORY

MOST = 1.65
"""How many times the calls of a bare route the service may make, with all its checks, both validations and its log."""


def test_a_read_costs_little_more_than_a_bare_route_that_checks_nothing(
    administration: Administration, database_urls: DatabaseUrls
) -> None:
    stored = sample(administration)
    key = key_format.generate()
    stored.key(key.digest)
    program = [sys.executable, str(REPOSITORY / "benchmarks" / "cost.py")]
    arguments = [database_urls.api, str(stored.tenant), str(stored.execution.execution_id), key.plaintext]

    done = subprocess.run([*program, *arguments], capture_output=True, text=True, check=True, timeout=120)
    calls = json.loads(done.stdout)

    assert calls["service"] < MOST * calls["bare"], calls
