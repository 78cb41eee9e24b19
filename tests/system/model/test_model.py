"""A run keeps its promises whatever happens in a few seconds of chance; ``make test-model`` plays for minutes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.model.checks import is_due
from tests.system.model.rounds import play_a_round


@pytest.mark.parametrize("faults", [False, True], ids=["calm", "with faults"])
async def test_every_promise_is_kept(data_directories: Callable[[str], Path], faults: bool) -> None:
    directory: Path = data_directories("model")

    broken = await play_a_round(directory, seed=18, seconds=8.0, faults=faults)

    assert broken == []


@pytest.mark.parametrize(
    ("lost", "faults", "due"),
    [
        (3, {"worker killed": 2, "worker frozen": 1}, True),
        (3, {"worker killed": 2}, False),
        (2, {"worker killed": 5}, False),
    ],
)
def test_a_run_may_be_given_up_that_was_lost_as_often_as_is_too_much_and_as_faults_made_it(
    lost: int, faults: dict[str, int], due: bool
) -> None:
    line = f'{{"lost_workers":{lost},"event":"run given up","level":"error"}}'

    assert is_due(line, faults) is due
    assert not is_due('{"event":"run broke off","level":"error"}', faults)
