"""A run keeps its promises whatever happens in a few seconds of chance; ``make test-model`` plays for minutes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.model.rounds import play_a_round


@pytest.mark.parametrize("faults", [False, True], ids=["calm", "with faults"])
async def test_every_promise_is_kept(data_directories: Callable[[str], Path], faults: bool) -> None:
    directory: Path = data_directories("model")

    broken = await play_a_round(directory, seed=18, seconds=8.0, faults=faults)

    assert broken == []
