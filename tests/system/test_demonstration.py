"""The demo's executions come from real runs; a second start keeps them."""

import pytest

from automation.storage.embedded import EmbeddedServer
from tests.system.processes import demonstrating


def test_a_second_start_keeps_what_the_first_one_ran(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("twice")
    settings = {"AUTOMATION_DATA_DIR": str(directory)}
    try:
        with demonstrating(settings) as first:
            pass
        with demonstrating(settings) as second:
            pass
    finally:
        EmbeddedServer(directory).discard()

    assert second.demo["executions"] == first.demo["executions"]
    assert second.demo["keys"] == first.demo["keys"]
