"""Stock tools in strangers' hands find nothing wrong with the contract that a demo publishes, and nothing to warn of.

Schemathesis is told what stands in ``schemathesis.toml``, and nothing else; its seeds are fresh and shown at the end of
the run.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.databases import Cluster
from tests.outside.conftest import SEED
from tests.plain_http import PLAIN
from tests.system.processes import REPOSITORY, Process, demonstrating

PROGRAMS = Path(sys.executable).parent
NODE_PROGRAMS = REPOSITORY / "node_modules" / ".bin"
CONTRACT = "/api/v1/openapi.json"
RUNS = 5
AT_ONCE = 2
EXAMPLES = 10
"""How many cases are generated of one operation at the most; the other phases try a thousand besides."""


@contextmanager
def new_demo(cluster: Cluster, directory: Path) -> Iterator[Process]:
    """Run a demo for a stranger to do with as they like: what one has deleted isn't there for another."""
    with cluster.database() as urls:
        settings = {
            "AUTOMATION_DATABASE_URL": urls.api,
            "AUTOMATION_WORKER_URL": urls.worker,
            "AUTOMATION_MIGRATION_URL": urls.owner,
            "AUTOMATION_DATA_DIR": str(directory),
        }
        with demonstrating(settings) as process:
            yield process


@pytest.fixture(scope="module")
def published(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract as a demo publishes it."""
    path = tmp_path_factory.mktemp("published") / "openapi.json"
    with new_demo(cluster, tmp_path_factory.mktemp("demo")) as demo:
        path.write_bytes(httpx.get(demo.base_url + CONTRACT, **PLAIN).content)
    return path


def run(command: Sequence[str | Path], directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program, with Python's programs in reach."""
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def test_schemathesis_finds_nothing_whatever_its_seed(
    cluster: Cluster, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seeds = [secrets.randbelow(2**32) for _ in range(RUNS)]
    for seed in seeds:
        record_property(SEED, seed)

    def attack(seed: int) -> "subprocess.CompletedProcess[str]":
        directory = tmp_path / str(seed)
        directory.mkdir()
        with new_demo(cluster, directory) as demo:
            command: list[str | Path] = [
                *(PROGRAMS / "schemathesis", "--config-file", REPOSITORY / "schemathesis.toml"),
                *("run", demo.base_url + CONTRACT, "-H", f"x-api-key: {demo.demo['keys']['operator']}"),
                *("--checks", "all", "--seed", str(seed), "--max-examples", str(EXAMPLES)),
            ]
            return run(command, directory)

    with ThreadPoolExecutor(AT_ONCE) as strangers:
        outcomes = dict(zip(seeds, strangers.map(attack, seeds), strict=True))

    assert [f"seed {seed}: {done.stdout}" for seed, done in outcomes.items() if done.returncode] == []
    assert [f"seed {seed}: {done.stdout}" for seed, done in outcomes.items() if "WARNINGS" in done.stdout] == []


def test_openapi_python_client_has_nothing_to_warn_of(published: Path, tmp_path: Path) -> None:
    done = run(
        [
            *(PROGRAMS / "openapi-python-client", "generate", "--fail-on-warning"),
            *("--path", published, "--output-path", tmp_path / "client"),
        ],
        tmp_path,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_openapi_typescript_has_nothing_to_warn_of(published: Path, tmp_path: Path) -> None:
    done = run([NODE_PROGRAMS / "openapi-typescript", published, "--output", tmp_path / "schema.ts"], tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("⚠") == 0
    assert "RuleAction: components" in (tmp_path / "schema.ts").read_text()
