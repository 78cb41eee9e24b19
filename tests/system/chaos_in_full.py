"""A thousand executions under fire, with the leases of production; too long for every day, so ``make test-chaos``."""

import logging

import pytest

from tests.databases import DatabaseUrls
from tests.system.chaos import Plan, expect_nothing_wrong, run

_log = logging.getLogger(__name__)


@pytest.mark.timeout(3600)
async def test_a_thousand_executions_survive_workers_that_die_and_freeze(
    database_urls: DatabaseUrls, settings: dict[str, str]
) -> None:
    plan = Plan(executions=1000, per_second=15, rounds=4, kills_in_a_round=3, freeze=17.0)

    result = await run(plan, database_urls, settings)

    _log.info(result.summary())
    expect_nothing_wrong(result)
    assert result.kills >= 8
    assert result.freezes >= 4
