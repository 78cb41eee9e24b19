"""Bounds of a rule's statistics: which quarters, durations and ends count, and at which run a percentile is reached."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.storage.roles import Connection
from tests.storage.runner import Runner
from tests.storage.samples import Sample

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
KEEP = """
INSERT INTO automation_rule_statistics (tenant, automation_rule_id, quarter, status, step, runs)
VALUES (%s, %s, %s, %s, %s, %s)
"""
ENDED = """
INSERT INTO automation_run_ends (tenant, automation_rule_id, ended_at, execution_id, status)
VALUES (%s, %s, %s, %s, 'skipped')
"""
READ = """
SELECT starts_at, completed, failed, timeout, cancelled, skipped, p50, p95
FROM read_rule_statistics_v1(%s, %s, %s, %s, 'hour', 'UTC')
"""
COMPLETE = "SELECT DISTINCT as_of FROM read_rule_statistics_v1(%s, %s, %s, %s, 'hour', 'UTC')"

Runs = tuple[datetime, str, int, int]
Found = tuple[datetime | None, int, int, int, int, int, int | None, int | None]

COUNTED: dict[str, tuple[list[Runs], list[Found]]] = {
    "nothing ran": ([], [(None, 0, 0, 0, 0, 0, None, None)]),
    "each end is counted as what it is": (
        [
            (NOON, "completed", 5, 1),
            (NOON, "failed", 5, 2),
            (NOON, "timeout", 5, 3),
            (NOON, "cancelled", 50, 40),
            (NOON, "skipped", -1, 50),
        ],
        [(None, 1, 2, 3, 40, 50, 5, 5), (NOON, 1, 2, 3, 40, 50, 5, 5)],
    ),
    "a period has its beginning and not its end": (
        [
            (NOON - QUARTER, "failed", 1, 1),
            (NOON, "failed", 2, 1),
            (NOON + 2 * HOUR - QUARTER, "failed", 3, 1),
            (NOON + 2 * HOUR, "failed", 4, 1),
        ],
        [(None, 0, 2, 0, 0, 0, 2, 3), (NOON, 0, 1, 0, 0, 0, 2, 2), (NOON + HOUR, 0, 1, 0, 0, 0, 3, 3)],
    ),
    "one of twenty is above the ninety-fifth percentile, and half of two above the median": (
        [(NOON, "completed", 0, 19), (NOON, "completed", 9, 1), (NOON + HOUR, "failed", 9, 1)],
        [(None, 20, 1, 0, 0, 0, 0, 9), (NOON, 20, 0, 0, 0, 0, 0, 0), (NOON + HOUR, 0, 1, 0, 0, 0, 9, 9)],
    ),
    "two of twenty are not": (
        [(NOON, "completed", 1, 10), (NOON, "timeout", 2, 8), (NOON, "completed", 3, 2)],
        [(None, 12, 0, 8, 0, 0, 1, 3), (NOON, 12, 0, 8, 0, 0, 1, 3)],
    ),
    "what never began has no duration": (
        [(NOON, "failed", -1, 9), (NOON, "failed", 0, 1)],
        [(None, 0, 10, 0, 0, 0, 0, 0), (NOON, 0, 10, 0, 0, 0, 0, 0)],
    ),
}
"""Runs by quarter, status and step of the duration, and what is found: the whole, then each hour."""


@pytest.fixture
def owner(runner: Runner) -> Iterator[Connection]:
    with psycopg.connect(runner.urls.admin) as connection:
        yield connection


def asked(tenant: UUID, rule: UUID) -> tuple[object, ...]:
    return (tenant, rule, NOON, NOON + 2 * HOUR)


@pytest.mark.parametrize("name", COUNTED)
async def test_what_is_counted_is_the_rules_own_of_the_period(
    runner: Runner, theirs: Sample, owner: Connection, name: str
) -> None:
    runs, found = COUNTED[name]
    rule, other = (await runner.rule()).rule_id, (await runner.rule()).rule_id
    for each in runs:
        owner.execute(KEEP, (runner.tenant, rule, *each))
    for whose in ((runner.tenant, other), (theirs.tenant, theirs.rule.rule_id)):
        owner.execute(KEEP, (*whose, NOON, "failed", 7, 7))

    rows = owner.execute(READ, asked(runner.tenant, rule)).fetchall()

    assert rows == found


async def test_what_is_not_counted_as_yet_is_said_of_the_rule_itself(runner: Runner, owner: Connection) -> None:
    rule, other = (await runner.rule()).rule_id, (await runner.rule()).rule_id
    owner.execute(ENDED, (runner.tenant, other, NOON + QUARTER, uuid4()))
    before = owner.execute(COMPLETE, asked(runner.tenant, rule)).fetchall()
    for later in (3 * QUARTER, 2 * QUARTER, HOUR):
        owner.execute(ENDED, (runner.tenant, rule, NOON + later, uuid4()))

    after = owner.execute(COMPLETE, asked(runner.tenant, rule)).fetchall()

    assert before == [(NOON + 2 * HOUR,)]
    assert after == [(NOON + 2 * QUARTER,)]
