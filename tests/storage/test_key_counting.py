"""A limit is exact however many ask at once, from however many processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.databases import DatabaseUrls
from tests.storage.samples import Sample

pytestmark = pytest.mark.process

LIMIT = 40


def in_a_process(url: str, digest: bytes) -> int:
    program = (
        "import asyncio, sys; from tests.storage.key_uses import accepted_uses;"
        "print(asyncio.run(accepted_uses(sys.argv[1], bytes.fromhex(sys.argv[2]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, url, digest.hex()], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_two_processes_let_in_as_many_uses_as_the_limit_says(ours: Sample, database_urls: DatabaseUrls) -> None:
    digest = ours.add_key(usage_limit=LIMIT)

    with ThreadPoolExecutor(2) as pool:
        accepted = list(pool.map(lambda _: in_a_process(database_urls.api, digest), range(2)))

    with psycopg.connect(database_urls.owner) as owner:
        counted = owner.execute("SELECT usage_count FROM api_keys WHERE digest = %s", (digest,)).fetchone()
    assert sum(accepted) == LIMIT
    assert counted == (LIMIT,)
