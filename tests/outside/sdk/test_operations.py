"""Each client does all that the contract offers, against the running service."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside.sdk.conftest import Demo
from tests.outside.sdk.exercises import exercise_python, exercise_typescript, exercise_typescript_fetch
from tests.outside.sdk.generated import Sdks
from tests.outside.sdk.recorder import recording
from tests.outside.sdk.usage import offered, used

STATUSES = {200, 201, 202, 204, 304, 400, 401, 403, 404, 409, 412, 422}
"""What well-behaved programs come across: of the other statuses no generated client can be the cause."""


@pytest.mark.parametrize("exercise", [exercise_python, exercise_typescript, exercise_typescript_fetch])
def test_a_client_uses_everything_that_the_contract_offers(
    exercise: Callable[[str, Path, Sdks], None], demo: Demo, sdks: Sdks
) -> None:
    with recording(demo.base_url) as recorded:
        exercise(recorded.base_url, demo.report, sdks)

    assert offered() - used(recorded.exchanges) == set()
    assert {exchange.status for exchange in recorded.exchanges} == STATUSES
