"""The clients, made once, and a service with its demo data and a worker for them to call."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.outside.sdk.generated import Sdks, provide
from tests.outside.sdk.many import add_many
from tests.system.processes import demonstrating


@dataclass(frozen=True)
class Demo:
    """A running demo: where it answers, and what it wrote down."""

    base_url: str
    report: Path


@pytest.fixture(scope="session")
def sdks(place_of_the_run: Path) -> Sdks:
    """Every client, generated and installed."""
    return provide(place_of_the_run / "sdks")


@pytest.fixture(scope="session")
def demo(session_settings: dict[str, str]) -> Iterator[Demo]:
    """A service that runs rules."""
    with demonstrating(session_settings) as process:
        add_many(session_settings["AUTOMATION_MIGRATION_URL"], process.demo)
        yield Demo(process.base_url, Path(session_settings["AUTOMATION_DATA_DIR"], "demo.json"))
