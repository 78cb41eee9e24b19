"""Fixtures of the outside tests, and the order and completeness that their last one needs.

The service's processes keep their logs for the whole run: ``test_statuses.py``, which is always the last, holds them to
the contract. That says something of a whole run alone, so whatever was left out of a run is noted here, and the last
test waits for those that pytest-xdist's other workers are still at. A module is run by one worker.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from automation.storage.accounts.administration import Administration
from tests.databases import Cluster
from tests.outside.sdk.many import add_many
from tests.secret_keys import SECRET_KEYS
from tests.system.processes import KEPT_LOGS, demonstrating
from tests.system.tenancy import Tenant, idle_service, new_tenant

HERE = Path(__file__).parent
LONGEST, LAST = HERE / "test_attack.py", HERE / "test_statuses.py"

DEADLINE_SECONDS = 900

SEED = "seed"
"""The property in which a test notes what its chance began with."""

DESELECTED = pytest.StashKey[set[Path]]()
LEFT_OUT = pytest.StashKey[list[str]]()
DONE = pytest.StashKey[Path]()
OTHERS = pytest.StashKey[int]()


@dataclass(frozen=True)
class Demo:
    """A running demo: where it answers, and what it wrote down, as a file and as its content."""

    base_url: str
    report: Path
    content: Mapping[str, Any]


@pytest.fixture(scope="session", autouse=True)
def logs(place_of_the_run: Path, pytestconfig: pytest.Config) -> Iterator[Path]:
    """The directory in which every process of the service leaves its log."""
    directory = place_of_the_run / "logs"
    directory.mkdir(exist_ok=True)
    pytestconfig.stash[DONE] = place_of_the_run / "done"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(KEPT_LOGS, str(directory))
        yield directory


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


@pytest.fixture(scope="session")
def demo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A service with its demo data, and a worker that runs its executions."""
    directory = tmp_path_factory.mktemp("demo")
    with cluster.database() as urls:
        settings = {
            "AUTOMATION_DATABASE_URL": urls.api,
            "AUTOMATION_WORKER_URL": urls.worker,
            "AUTOMATION_MIGRATION_URL": urls.owner,
            "AUTOMATION_DATA_DIR": str(directory),
            "AUTOMATION_SECRET_KEYS": SECRET_KEYS,
        }
        with demonstrating(settings) as process:
            add_many(urls.owner, process.demo)
            yield Demo(process.base_url, directory / "demo.json", process.demo)


@pytest.fixture
def others(logs: Path, pytestconfig: pytest.Config) -> Callable[[], int]:
    """Say how many other outside tests are not done yet, in all processes of the run."""

    def left() -> int:
        done = pytestconfig.stash[DONE]
        return pytestconfig.stash[OTHERS] - (len(done.read_text().splitlines()) if done.exists() else 0)

    return left


@pytest.fixture
def left_out(pytestconfig: pytest.Config) -> list[str]:
    """What of the outside tests is not part of this run."""
    return pytestconfig.stash[LEFT_OUT]


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is left out yet."""
    config.stash[DESELECTED] = set()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give more time than other tests have."""
    if item.get_closest_marker("timeout") is None:
        item.add_marker(pytest.mark.timeout(DEADLINE_SECONDS))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, and the judge of the whole run last."""
    items.sort(key=lambda item: (_last(item), item.path != LONGEST))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note which modules lose a test to ``-k``, ``--lf`` or the like."""
    for item in items:
        item.config.stash[DESELECTED].add(item.path)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note every module that is not, or not all of it, part of the run."""
    collected = {item.path for item in session.items}
    named = {Path(argument.partition("::")[0]).resolve() for argument in session.config.args if "::" in argument}
    absent = {path for path in HERE.rglob("test_*.py") if path not in collected}
    deselected: set[Path] = session.config.stash[DESELECTED]
    left_out = absent | named | deselected
    session.config.stash[LEFT_OUT] = sorted(str(path.relative_to(HERE)) for path in left_out if HERE in path.parents)
    ours = [item for item in session.items if HERE in item.path.parents]
    session.config.stash[OTHERS] = len([item for item in ours if not _last(item)])
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note that a test is done, whether it succeeded or not."""
    if not _last(item) and DONE in item.config.stash:
        with item.config.stash[DONE].open("a") as done:
            done.write("done\n")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take from a worker of pytest-xdist what was left out: it collects the tests, and not the process that reports."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what chance began with, and that a run in part proves less than a whole one."""
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in report.user_properties:
            if name == SEED and report.when == "call":
                terminalreporter.line(f"{report.nodeid}: seed {value}")
    left_out = config.stash.get(LEFT_OUT, [])
    if left_out:
        terminalreporter.section("only a part of tests/outside was run")
        terminalreporter.line(f"No whole run, no judgement on statuses. Left out or cut short: {', '.join(left_out)}")


def _last(item: pytest.Item) -> bool:
    return item.path == LAST
