"""A browser, and two services with demo data to point it at: one at the root of its host, one under a path prefix."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from tests.databases import Cluster
from tests.outside.browser.watch import Watch, watched
from tests.system.processes import REPOSITORY, Process, demonstrating

Scheme = Literal["light", "dark"]
OpenPage = Callable[[Scheme], Watch]

FLAGS = [
    "--no-sandbox",  # the kernel's sandbox is not for root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
]
PATIENCE_MILLISECONDS = 90_000
SIZE = ViewportSize(width=900, height=1000)

expect.set_options(timeout=PATIENCE_MILLISECONDS)  # the whole contract is drawn, on a machine that others share


@contextmanager
def _demo(cluster: Cluster, directory: Path, prefix: str) -> Iterator[Process]:
    with cluster.database() as urls:
        settings = {
            "AUTOMATION_DATABASE_URL": urls.api,
            "AUTOMATION_WORKER_URL": urls.worker,
            "AUTOMATION_MIGRATION_URL": urls.owner,
            "AUTOMATION_DATA_DIR": str(directory),
            "AUTOMATION_PATH_PREFIX": prefix,
        }
        with demonstrating(settings) as process:
            yield process


@pytest.fixture(scope="session")
def demo_at_the_root(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A running demo at the root of its host."""
    with _demo(cluster, tmp_path_factory.mktemp("root"), "") as process:
        yield process


@pytest.fixture(scope="session")
def demo_under_a_prefix(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A running demo under a path prefix."""
    with _demo(cluster, tmp_path_factory.mktemp("prefix"), "/under/automation") as process:
        yield process


@pytest.fixture(params=["demo_at_the_root", "demo_under_a_prefix"], ids=["at-the-root", "under-a-prefix"])
def demo(request: pytest.FixtureRequest) -> Process:
    """Each of the running demos."""
    process: Process = request.getfixturevalue(request.param)
    return process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; not for longer than a module, for Playwright keeps this thread's event loop as long as it runs."""
    executable = shutil.which("chromium")
    assert executable is not None, "chromium is not installed: run tools/provide.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a watched page for people who prefer a colour scheme."""
    contexts: list[BrowserContext] = []

    def open_page(scheme: Scheme) -> Watch:
        context = browser.new_context(color_scheme=scheme, viewport=SIZE, locale="en-GB")
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        return watched(context)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where the pictures of a run stay."""
    directory = REPOSITORY / "dist" / "screenshots"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
