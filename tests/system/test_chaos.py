"""Workers die and freeze while they run executions: a small case of what ``make test-chaos`` does at length."""

import logging

import pytest

from tests.databases import DatabaseUrls
from tests.system.chaos import Plan, expect_nothing_wrong, run

_log = logging.getLogger(__name__)


@pytest.mark.timeout(300)
async def test_executions_survive_workers_that_die_and_freeze(
    database_urls: DatabaseUrls, settings: dict[str, str]
) -> None:
    plan = Plan(executions=60, per_second=10, rounds=1, kills_in_a_round=2, freeze=6.0, lease=4)

    result = await run(plan, database_urls, settings)

    _log.info(result.summary())
    expect_nothing_wrong(result)
    assert (result.kills, result.freezes) == (2, 1)
