"""Limits what one tenant may have waiting: by its own limit, or by the default."""

from dataclasses import replace

import psycopg
import pytest

from automation.domain.errors import TooManyPending
from automation.domain.limits import Limit
from automation.storage.accounts.administration import Administration
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.runs import Runs
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner


@pytest.fixture
def limited(runner: Runner, database: Database) -> Runner:
    """A tenant that may have two pending executions, by the default."""
    executions = Executions(database, {Limit.MAX_PENDING: 2})
    return Runner(runner.sample, runner.urls, runner.rules, executions, runner.runs)


async def test_an_execution_beyond_the_limit_is_refused_and_not_stored(limited: Runner) -> None:
    rule = await limited.rule()
    await limited.execute(rule)  # the sample has one, too

    with pytest.raises(TooManyPending):
        await limited.execute(rule)

    assert len(limited.jobs()) == 1


async def test_what_runs_does_not_count(limited: Runner) -> None:
    await limited.claimed(await limited.execute())

    await limited.execute()

    with pytest.raises(TooManyPending):
        await limited.execute()


async def test_a_cancelled_one_leaves_room(limited: Runner) -> None:
    waiting = await limited.execute()

    await limited.executions.cancel(limited.tenant, waiting)

    await limited.execute()


async def test_a_retry_is_refused_as_well_and_the_execution_stays_failed(limited: Runner) -> None:
    failed = await limited.failed()
    await limited.execute()

    with pytest.raises(TooManyPending):
        await limited.executions.retry(limited.tenant, failed, retry_from="start")

    assert (await limited.status(failed)) == "failed"


async def test_a_limit_of_its_own_takes_the_defaults_place(limited: Runner, administration: Administration) -> None:
    administration.set_limits(limited.tenant, {Limit.MAX_PENDING: 3})
    for _ in range(2):
        await limited.execute()
    with pytest.raises(TooManyPending):
        await limited.execute()

    administration.set_limits(limited.tenant, {Limit.MAX_PENDING: 4})

    await limited.execute()


async def test_another_tenants_executions_do_not_count(limited: Runner, theirs: object) -> None:
    await limited.execute()


async def test_the_count_reads_no_more_rows_than_the_limit(limited: Runner, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status)"
            " SELECT tenant, gen_random_uuid(), automation_rule_id, 'pending'"
            " FROM automation_executions, generate_series(1, 500) WHERE tenant = %s",
            (limited.tenant,),
        )
        admin.execute("ANALYZE automation_executions")
    with psycopg.connect(database_urls.api) as api:
        api.execute("SELECT set_config('app.tenant', %s, true)", (str(limited.tenant),))
        reached = api.execute("SELECT reached_limit_v1(%s, 1, 20, NULL, NULL)", (limited.tenant,)).fetchone()
        read = api.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'automation_executions'"
        ).fetchone()

    assert (reached, read) == (("too_many_pending",), (20,))


async def test_a_claim_tells_under_which_limits_it_runs_the_tenants_own_or_the_defaults(
    runner: Runner, workers_database: Database, administration: Administration
) -> None:
    runs = Runs(workers_database, {Limit.MAX_RUN_SECONDS: 300, Limit.MAX_ACTIONS_SECONDS: 200, Limit.MAX_RUNNING: 100})
    found = []
    for own in ({}, {Limit.WEIGHT: 20, Limit.MAX_RUN_SECONDS: 30, Limit.MAX_ACTIONS_SECONDS: 40, Limit.MAX_RUNNING: 2}):
        administration.set_limits(runner.tenant, own)
        claim = await replace(runner, runs=runs).claimed()
        time = claim.execution.deadline_at - claim.execution.started_at
        found.append((claim.weight, claim.max_run_seconds, claim.max_actions_seconds, time.total_seconds()))

    assert found == [(10, 300, 200, 300), (20, 30, 40, 30)]
    assert await replace(runner, runs=runs).claim(await runner.execute()) is None
